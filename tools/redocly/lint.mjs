// Lints an OpenAPI description with the rules of redocly.yaml: node lint.mjs FILE
import { formatProblems, getTotals, lint, loadConfig } from '@redocly/openapi-core';
import { fileURLToPath } from 'node:url';

const config = await loadConfig({ configPath: fileURLToPath(new URL('redocly.yaml', import.meta.url)) });
const problems = await lint({ ref: process.argv[2], config });
const totals = getTotals(problems);
formatProblems(problems, { format: 'codeframe', totals, version: 'core' });
process.exit(totals.errors + totals.warnings > 0 ? 1 : 0);
