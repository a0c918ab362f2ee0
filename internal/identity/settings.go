package identity

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
)

// Settings is how a person likes to answer questions. It follows the person to every
// browser and gives no right to anything.
type Settings struct {
	SectionPages bool // a section on one page, instead of a question
	SingleKeys   bool // single keys act on the pages of questions
}

// SettingsOf reads the settings of the actor: the defaults when none are stored, and for
// who is no person. It is called by pages, for the person who asks.
func SettingsOf(ctx context.Context, q postgres.Querier, who Actor) (Settings, error) {
	s := Settings{SingleKeys: true}
	if who.PersonID == uuid.Nil {
		return s, nil
	}
	const sql = `select section_pages, single_keys from person_settings where person_id = $1`
	err := q.QueryRow(ctx, sql, who.PersonID).Scan(&s.SectionPages, &s.SingleKeys)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("read settings: %w", err)
	}
	return s, nil
}

// SaveSettings stores the actor's own settings, in person only. Storing what is stored
// already changes nothing.
func (s *Service) SaveSettings(ctx context.Context, who Actor, in Settings) error {
	if err := inPerson(who); err != nil {
		return err
	}
	err := s.act(ctx, who, func(tx pgx.Tx, _ time.Time) (*Act, error) {
		before, err := SettingsOf(ctx, tx, who)
		if err != nil || before == in {
			return nil, err
		}
		const sql = `
			insert into person_settings (person_id, section_pages, single_keys) values ($1, $2, $3)
			on conflict (person_id) do update set section_pages = excluded.section_pages, single_keys = excluded.single_keys`
		if err := run(ctx, tx, sql, who.PersonID, in.SectionPages, in.SingleKeys); err != nil {
			return nil, err
		}
		return personAct("person.settings", who.PersonID,
			Detail{"section_pages", strconv.FormatBool(in.SectionPages)}, Detail{"single_keys", strconv.FormatBool(in.SingleKeys)}), nil
	})
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}
