drop table verdicts, facts, run_cells, runs;
