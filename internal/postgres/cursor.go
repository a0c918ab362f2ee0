package postgres

import (
	"github.com/google/uuid"

	"orrery/internal/fault"
)

// AfterID reads the cursor of a list that goes by id: the id of the last line of a page, nil on
// the first. Invalid on "after" for what names no line.
func AfterID(cursor string) (*uuid.UUID, error) {
	if cursor == "" {
		return nil, nil
	}
	id, err := uuid.Parse(cursor)
	if err != nil || id == uuid.Nil || id.String() != cursor {
		return nil, fault.InvalidField("after", "This page of the list cannot be found; start again from the first.")
	}
	return &id, nil
}
