// Package fault names the kinds of failure a request may meet. A fault carries words
// for the person apart from the cause for the log, so that no handler invents either.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in terms a page or the API can act on.
type Kind int

// The kinds of failure. The zero value is Internal: an error nobody classified.
const (
	Internal        Kind = iota // our fault: 500, nothing of the cause is shown
	Invalid                     // the input breaks a rule: 422, with a message per field
	Unauthenticated             // nobody is signed in, or the credentials are wrong: 401
	Forbidden                   // readable, but this person may not do this: 403
	NotFound                    // absent, or not readable by this person: 404
	Conflict                    // the state or version moved on: 409 (412 on the API)
	TooMany                     // asked too often: 429
	Unavailable                 // something outside is down: 503
)

// Field is one message beside one field of the input. Name is the form field's name,
// which is also the JSON member's name.
type Field struct {
	Name    string
	Message string
}

// Error is a classified failure. Message is a whole sentence for the person; Cause, if
// any, is for the log only.
type Error struct {
	Kind    Kind
	Message string
	Fields  []Field
	Cause   error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// New returns a fault of the kind with a formatted sentence for the person.
func New(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Wrap classifies cause and gives it words for the person.
func Wrap(k Kind, cause error, format string, args ...any) error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// InvalidField is an Invalid fault about one field.
func InvalidField(name, format string, args ...any) error {
	return InvalidFields(Field{Name: name, Message: fmt.Sprintf(format, args...)})
}

// InvalidFields returns an Invalid fault, or nil when there are no fields: collect
// messages first, then return this.
func InvalidFields(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "There is a problem with what was entered.", Fields: fields}
}

// KindOf returns the kind of the first fault in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// MessageOf returns the words for the person; for an unclassified error a neutral sentence.
func MessageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "Something failed on our side. Nothing was changed; please try again."
}

// FieldsOf returns the messages per field, if any.
func FieldsOf(err error) []Field {
	var e *Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}

// Is reports whether err is a fault of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }
