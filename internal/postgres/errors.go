package postgres

import (
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"orrery/internal/fault"
)

// Codes of PostgreSQL's appendix A.
const (
	codeBadText            = "22021"
	codeNotNull            = "23502"
	codeForeignKey         = "23503"
	codeUnique             = "23505"
	codeCheck              = "23514"
	codeExclusion          = "23P01"
	codeSerialization      = "40001"
	codeDeadlock           = "40P01"
	codeTooManyConnections = "53300"
	codeLockNotAvailable   = "55P03"
	codeAdminShutdown      = "57P01"
	codeCrashShutdown      = "57P02"
	codeCannotConnectNow   = "57P03"
)

// Constraint returns the name of the constraint that err violates: unique, check, foreign
// key or exclusion by its own name, not null as <table>_<column>_not_null. A trigger that
// raises such an error with a CONSTRAINT of its own is told apart in the same way.
func Constraint(err error) (name string, ok bool) {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return "", false
	}
	switch pe.Code {
	case codeNotNull:
		return pe.TableName + "_" + pe.ColumnName + "_not_null", true
	case codeUnique, codeCheck, codeForeignKey, codeExclusion:
		return pe.ConstraintName, pe.ConstraintName != ""
	}
	return "", false
}

// IsUnique reports whether err violates the unique constraint or index of that name.
func IsUnique(err error, name string) bool {
	found, ok := Constraint(err)
	return ok && found == name && hasCode(err, codeUnique)
}

// Retryable reports whether the whole transaction that failed with err may be tried again
// without doing anything twice: the server undid it (serialization, deadlock), or nothing
// had been sent. A connection lost later, in particular at a commit, is not: nobody knows
// how it ended.
func Retryable(err error) bool {
	if hasCode(err, codeSerialization, codeDeadlock) || pgconn.SafeToRetry(err) {
		return true
	}
	var ce *pgconn.ConnectError
	if !errors.As(err, &ce) {
		return false
	}
	var pe *pgconn.PgError // an answer such as "wrong password" stays the same
	return !errors.As(err, &pe) || hasCode(err, codeCannotConnectNow, codeTooManyConnections)
}

// Classify gives words to an error of the database that no service expected: Unavailable
// when it could not be asked or the connection broke (what that was doing may or may not
// have been done), NotFound when an address held text that nothing stored can equal (NUL,
// invalid UTF-8). Unavailable too when the server undid a transaction because it met others,
// or waited for them too long: nothing of it is done. Any other error is returned as it is.
func Classify(err error) error {
	switch {
	case unreachable(err):
		return fault.Wrap(fault.Unavailable, err, "The database does not answer right now. If you were saving, nobody knows whether it was saved: look again in a moment.")
	case hasCode(err, codeSerialization, codeDeadlock, codeLockNotAvailable):
		return fault.Wrap(fault.Unavailable, err, "Others changed the same things at the same moment, so this was not done and nothing was saved. Please try again.")
	case hasCode(err, codeBadText):
		return fault.Wrap(fault.NotFound, err, "There is no such page.")
	}
	return err
}

// unreachable reports whether the database cannot be connected to, is starting or stopping,
// or the connection broke.
func unreachable(err error) bool {
	var ce *pgconn.ConnectError
	if errors.As(err, &ce) || hasCode(err, codeCannotConnectNow, codeTooManyConnections, codeAdminShutdown, codeCrashShutdown) {
		return true
	}
	var netErr *net.OpError
	return errors.As(err, &netErr) || errors.Is(err, io.ErrUnexpectedEOF)
}

// hasCode reports whether err came from the server with one of the codes.
func hasCode(err error, codes ...string) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return false
	}
	for _, c := range codes {
		if pe.Code == c {
			return true
		}
	}
	return false
}
