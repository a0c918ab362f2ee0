package postgres

import (
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// Codes of PostgreSQL's appendix A.
const (
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

// Unreachable reports whether err says that the database could not be asked: it cannot be
// connected to, is starting or stopping, or the connection broke. What a broken connection
// was doing may or may not have been done.
func Unreachable(err error) bool {
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
