// Package migrations holds the SQL files that build Orrery's schema, up and down, numbered
// in the order in which they are applied. internal/postgres applies them.
package migrations

import "embed"

// FS holds the migration files at its root.
//
//go:embed *.sql
var FS embed.FS
