package main

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
)

// exitError ends the program with a code of its own. Without an error nothing more is
// said: the command has printed why.
type exitError struct {
	code int
	err  error
}

// exit ends the program with the code and no further word.
func exit(code int) error { return exitError{code: code} }

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

// ending is the code the program ends with after err, and the words for the operator,
// empty when all is said. A command line that cannot be read ends with 2, any other
// failure with 1 unless its command says otherwise.
func ending(err error) (code int, words string) {
	var e exitError
	var usage *kong.ParseError
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &e) && e.err == nil:
		return e.code, ""
	case errors.As(err, &e):
		return e.code, explain(e.err)
	case errors.As(err, &usage):
		return 2, explain(err)
	}
	return 1, explain(err)
}
