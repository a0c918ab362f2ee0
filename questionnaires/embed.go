// Package questionnaires holds the sets of questions that Orrery ships, as YAML files
// named after their keys. They are read-only for an installation: an organisation adds
// questions in a set of its own, and takes a newer shipped version as an upgrade.
package questionnaires

import "embed"

// FS holds every shipped set at its root, one <key>.yaml each, in the format that
// package internal/questionnaire parses.
//
//go:embed *.yaml
var FS embed.FS
