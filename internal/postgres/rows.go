package postgres

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/sheet"
)

// errTry ends the transaction of a dry run.
var errTry = errors.New("nothing is to be written")

// ImportRows does what do says for every row of a table, in one transaction that is kept only
// when keep is set and no row is refused. So a dry run is the act itself, undone, and cannot
// promise what the act refuses. A row's fault that a person can mend becomes problems of that
// row, beside the column of the field's name; any other ends it all. kept says what became
// of it.
func ImportRows(ctx context.Context, db *pgxpool.Pool, rows []sheet.Row, keep bool, do func(pgx.Tx, sheet.Row) (sheet.Change, error)) (changes []sheet.Change, kept bool, err error) {
	seen := map[string]int{}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		refused := false
		for _, row := range rows {
			c, err := importRow(ctx, tx, row, do)
			if err != nil {
				return err
			}
			if line, twice := seen[c.Key]; twice && c.Key != "" {
				c = sheet.Change{Line: row.Line, Key: c.Key, Kind: sheet.Refused, Problems: []sheet.Problem{{Line: row.Line, Message: "Line " + strconv.Itoa(line) + " says something of " + c.Key + " already."}}}
			}
			seen[c.Key] = row.Line
			changes, refused = append(changes, c), refused || c.Kind == sheet.Refused
		}
		if !keep || refused {
			return errTry
		}
		return nil
	})
	if errors.Is(err, errTry) {
		return changes, false, nil
	}
	return changes, err == nil, err
}

// importRow does one row in a savepoint of its own.
func importRow(ctx context.Context, tx pgx.Tx, row sheet.Row, do func(pgx.Tx, sheet.Row) (sheet.Change, error)) (c sheet.Change, err error) {
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		c, err = do(tx, row)
		return err
	})
	c.Line = row.Line
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict:
		c.Kind = sheet.Refused
		for _, f := range fault.FieldsOf(err) {
			c.Problems = append(c.Problems, sheet.Problem{Line: row.Line, Column: f.Name, Message: f.Message})
		}
		if len(c.Problems) == 0 {
			c.Problems = []sheet.Problem{{Line: row.Line, Message: fault.MessageOf(err)}}
		}
		return c, nil
	}
	return c, err
}
