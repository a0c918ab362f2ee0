package api

import (
	"time"

	"github.com/google/uuid"
)

// date is a day as year-month-day, nil when there is none.
func date(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.Format(time.DateOnly)
	return &s
}

// utc is a time in UTC, nil when there is none.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// known is an id, nil when there is none.
func known(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// some is a list that is never null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// set sets what a change names.
func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// Person names somebody.
type Person struct {
	ID   *uuid.UUID `json:"id"`
	Name string     `json:"name"`
}

// somebody is a person that may be missing.
func somebody(id *uuid.UUID, name string) *Person {
	if id == nil && name == "" {
		return nil
	}
	return &Person{ID: id, Name: name}
}
