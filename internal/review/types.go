package review

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
)

// Type is what to ask on an occasion. A review keeps a copy of what it was started with.
type Type struct {
	Key            string
	Name           string
	Description    string
	Questionnaires []string // keys of the sets, in the order they are asked
	CoreTiers      []int    // tiers that are asked the core path only
	AboutChange    bool     // it reviews a change, never the whole workload
	GatesLaunch    bool     // its decision answers the launch gate
	GateMode       string   // advise, enforce: what pipelines should do with the answer
	ValidDays      int      // how long a go stands
	Signoffs       []int    // how many approvers must agree, for tier 1, 2, 3
	Retired        bool     // it starts nothing any more
	Version        int
}

// CorePath reports whether workloads of the tier are asked the core path only.
func (t Type) CorePath(tier int) bool { return slices.Contains(t.CoreTiers, tier) }

// The modes of the launch gate.
const (
	Advise  = "advise"
	Enforce = "enforce"
)

// shippedTypes are the review types that come with the program. They are laid down once;
// what an organisation changes is kept. The annual review gates launches because a go ends:
// it is what renews the go of a new service. What reviews a change advises or enforces for
// that change alone, so a small one never opens the gate of its whole workload.
var shippedTypes = []Type{
	{
		Key: "new-service", Name: "New service",
		Description:    "Before a new service takes production traffic: the questions that can block a launch.",
		Questionnaires: []string{"orr"}, CoreTiers: []int{3}, GatesLaunch: true, GateMode: Enforce, ValidDays: 365, Signoffs: []int{2, 1, 1},
	},
	{
		Key: "major-change", Name: "Major change",
		Description:    "Before a change that alters how the service fails: a new dependency, a data store, a Region, a rewrite.",
		Questionnaires: []string{"orr"}, CoreTiers: []int{3}, AboutChange: true, GatesLaunch: true, GateMode: Enforce, ValidDays: 180, Signoffs: []int{2, 1, 1},
	},
	{
		Key: "minor-change", Name: "Minor change",
		Description:    "Before a change that is larger than the pipeline's own checks, and smaller than a major one.",
		Questionnaires: []string{"orr"}, CoreTiers: []int{1, 2, 3}, AboutChange: true, GatesLaunch: true, GateMode: Advise, ValidDays: 90, Signoffs: []int{1, 1, 1},
	},
	{
		Key: "annual", Name: "Annual review",
		Description:    "Once a year for a service that is live: what was answered is looked at again, and the go is renewed.",
		Questionnaires: []string{"orr"}, CoreTiers: []int{3}, GatesLaunch: true, GateMode: Enforce, ValidDays: 365, Signoffs: []int{2, 1, 1},
	},
	{
		Key: "peak-event", Name: "Peak event",
		Description:    "Eight weeks and one week before a sale, a broadcast or a filing date. Give the event a key, as for a change.",
		Questionnaires: []string{"peak-event"}, AboutChange: true, GatesLaunch: true, GateMode: Advise, ValidDays: 60, Signoffs: []int{1, 1, 1},
	},
	{
		Key: "after-incident", Name: "After an incident",
		Description:    "When an incident is over: the core questions again, with what was learned.",
		Questionnaires: []string{"orr"}, CoreTiers: []int{1, 2, 3}, GateMode: Advise, ValidDays: 365, Signoffs: []int{1, 0, 0},
	},
}

// EnsureTypes lays down the shipped review types that are missing.
func (s *Service) EnsureTypes(ctx context.Context) error {
	const sql = `
		insert into review_types (key, name, description, questionnaires, core_tiers, about_change, gates_launch, gate_mode, valid_days, signoffs)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (key) do nothing`
	for _, t := range shippedTypes {
		_, err := s.db.Exec(ctx, sql, t.Key, t.Name, t.Description, t.Questionnaires, append([]int{}, t.CoreTiers...), t.AboutChange,
			t.GatesLaunch, t.GateMode, t.ValidDays, t.Signoffs)
		if err != nil {
			return fmt.Errorf("lay down review type %s: %w", t.Key, err)
		}
	}
	return nil
}

const typeColumns = `key, name, description, questionnaires, core_tiers, about_change, gates_launch, gate_mode, valid_days, signoffs, retired, version
	from review_types`

// Types lists the review types by name, retired ones last. Anyone signed in may.
func (s *Service) Types(ctx context.Context) ([]Type, error) {
	rows, err := s.db.Query(ctx, `select `+typeColumns+` order by retired, name`)
	if err != nil {
		return nil, fmt.Errorf("list review types: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Type])
}

// Type reads one review type; not found when there is none. Anyone signed in may.
func (s *Service) Type(ctx context.Context, key string) (Type, error) {
	t, err := typeByKey(ctx, s.db, key)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, fault.New(fault.NotFound, "There is no such review type.")
	}
	return t, err
}

// typeByKey reads a review type; pgx.ErrNoRows when there is none.
func typeByKey(ctx context.Context, q postgres.Querier, key string) (Type, error) {
	rows, err := q.Query(ctx, `select `+typeColumns+` where key = $1`, key)
	if err != nil {
		return Type{}, fmt.Errorf("read review type: %w", err)
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Type])
}

// typeToStart is typeByKey for starting: Invalid when it is missing or retired.
func typeToStart(ctx context.Context, q postgres.Querier, key string) (Type, error) {
	t, err := typeByKey(ctx, q, key)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, fault.InvalidField("type", "Choose a review type from the list.")
	}
	if err == nil && t.Retired {
		return t, fault.InvalidField("type", "The type \"%s\" is retired and starts nothing. Choose another.", t.Name)
	}
	return t, err
}

// check normalises a type as a curator wrote it: Invalid with a message per field.
func (t *Type) check() error {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	t.Name, t.Description = text.Line(t.Name), text.Clean(t.Description)
	if n := utf8.RuneCountInString(t.Name); n == 0 || n > 80 {
		add("name", "Give the type a name of at most 80 characters.")
	}
	if n := utf8.RuneCountInString(t.Description); n == 0 || n > 1000 {
		add("description", "Say in at most 1,000 characters when to choose it.")
	}
	if len(t.Questionnaires) == 0 {
		add("questionnaires", "Choose at least one set to ask.")
	}
	t.CoreTiers = append([]int{}, t.CoreTiers...)
	slices.Sort(t.CoreTiers)
	t.CoreTiers = slices.Compact(t.CoreTiers)
	for _, tier := range t.CoreTiers {
		if tier < 1 || tier > 3 {
			add("core_tiers", "There are the tiers 1, 2 and 3.")
			break
		}
	}
	if t.GateMode != Advise && t.GateMode != Enforce {
		add("gate_mode", "Choose whether pipelines are advised or held.")
	}
	if t.ValidDays < 1 || t.ValidDays > 1100 {
		add("valid_days", "A go stands for 1 to 1,100 days.")
	}
	for i := range 3 {
		name := SignoffField(i + 1)
		switch {
		case i >= len(t.Signoffs) || t.Signoffs[i] < 0 || t.Signoffs[i] > 5:
			add(name, "Write a number from 0 to 5.")
		case t.GatesLaunch && t.Signoffs[i] == 0:
			add(name, "What gates launches needs at least one sign-off.")
		}
	}
	return fault.InvalidFields(bad...)
}

// SignoffField names the form field of the sign-offs that a tier needs.
func SignoffField(tier int) string { return "signoffs_" + strconv.Itoa(tier) }

var typeKeyForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,39}$`)

// AddType adds a review type that is like another, under a key and a name of its own. It begins
// retired, so that nobody starts a review with it before a curator has gone through it. Curators
// may. Invalid on "key", "name" and "like".
func (s *Service) AddType(ctx context.Context, who identity.Actor, key, name, like string) error {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return err
	}
	key, name = text.Line(key), text.Line(name)
	var bad []fault.Field
	if !typeKeyForm.MatchString(key) {
		bad = append(bad, fault.Field{Name: "key", Message: "Use 2 to 40 small letters, digits and hyphens, for example quarterly-check."})
	}
	if n := utf8.RuneCountInString(name); n == 0 || n > 80 {
		bad = append(bad, fault.Field{Name: "name", Message: "Give the type a name of at most 80 characters."})
	}
	if err := fault.InvalidFields(bad...); err != nil {
		return err
	}
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		t, err := typeByKey(ctx, tx, like)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.InvalidField("like", "Choose a type to begin with from the list.")
		}
		if err != nil {
			return err
		}
		const sql = `
			insert into review_types (key, name, description, questionnaires, core_tiers, about_change, gates_launch, gate_mode, valid_days, signoffs, retired, updated_by, updated_at)
			select $1, $2, description, questionnaires, core_tiers, about_change, gates_launch, gate_mode, valid_days, signoffs, true, $4, $5
			from review_types where key = $3 on conflict (key) do nothing`
		tag, err := tx.Exec(ctx, sql, key, name, like, who.PersonID, now)
		if err != nil {
			return fmt.Errorf("write review type: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return fault.InvalidField("key", "There is a review type with this key already.")
		}
		t.Key, t.Name, t.Retired, t.Version = key, name, true, 0
		return audit.Record(ctx, tx, who, audit.Act{
			Stream: audit.OrgStream, Verb: "review_type.added", TargetKind: "review_type", TargetID: key, At: now, Details: typeDetails(t),
		})
	})
	if err != nil {
		return fmt.Errorf("add review type: %w", err)
	}
	return nil
}

// SaveType changes a review type on top of the version that was read; reviews that run keep
// what they were started with. Curators may: Forbidden for others. Not found without such a
// type, Invalid with a message per field, a Conflict when somebody changed it meanwhile.
func (s *Service) SaveType(ctx context.Context, who identity.Actor, t Type) error {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		for _, key := range t.Questionnaires {
			if _, err := s.library.Newest(ctx, tx, key, ""); err != nil {
				return fault.InvalidField("questionnaires", "There is no published set \"%s\".", text.Cut(key))
			}
		}
		return saveType(ctx, tx, who, t, now)
	})
	if err != nil {
		return fmt.Errorf("save review type %s: %w", t.Key, err)
	}
	return nil
}

func saveType(ctx context.Context, tx pgx.Tx, who identity.Actor, t Type, now time.Time) error {
	var version int
	err := tx.QueryRow(ctx, `select version from review_types where key = $1 for update`, t.Key).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "There is no such review type.")
	}
	if err != nil {
		return fmt.Errorf("lock review type: %w", err)
	}
	if version != t.Version {
		return fault.New(fault.Conflict, "Somebody changed this type since you opened it. Your input is still here: compare it with the type as it is now, and save again.")
	}
	const sql = `
		update review_types set name = $2, description = $3, questionnaires = $4, core_tiers = $5, about_change = $6, gates_launch = $7, gate_mode = $8,
			valid_days = $9, signoffs = $10, retired = $11, version = version + 1, updated_by = $12, updated_at = $13 where key = $1`
	_, err = tx.Exec(ctx, sql, t.Key, t.Name, t.Description, t.Questionnaires, t.CoreTiers, t.AboutChange, t.GatesLaunch, t.GateMode,
		t.ValidDays, t.Signoffs, t.Retired, who.PersonID, now)
	if err != nil {
		return fmt.Errorf("write review type: %w", err)
	}
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.OrgStream, Verb: "review_type.changed", TargetKind: "review_type", TargetID: t.Key, At: now, Details: typeDetails(t),
	})
}

func typeDetails(t Type) []audit.Detail {
	return []audit.Detail{
		{Name: "version", Value: strconv.Itoa(t.Version + 1)}, {Name: "questionnaires", Value: fmt.Sprint(t.Questionnaires)},
		{Name: "core_tiers", Value: fmt.Sprint(t.CoreTiers)}, {Name: "signoffs", Value: fmt.Sprint(t.Signoffs)},
		{Name: "gates_launch", Value: strconv.FormatBool(t.GatesLaunch)}, {Name: "gate_mode", Value: t.GateMode},
		{Name: "valid_days", Value: strconv.Itoa(t.ValidDays)}, {Name: "about_change", Value: strconv.FormatBool(t.AboutChange)},
		{Name: "retired", Value: strconv.FormatBool(t.Retired)},
	}
}

// MaxRequired is how many required questions a launch review should ask at most.
const MaxRequired = 40

// TypeLint is what a curator should know of a type before saving it.
type TypeLint struct {
	Asked    [3]int                  // required questions for tier 1, 2, 3
	Missing  []string                // keys that name no published set
	Overlaps []questionnaire.Overlap // practices that two of its sets ask for
}

// Clean reports whether nothing is to mend.
func (l TypeLint) Clean() bool {
	return len(l.Missing)+len(l.Overlaps) == 0 && slices.Max(l.Asked[:]) <= MaxRequired
}

// LintType looks at the newest versions of a type's sets. It saves nothing.
func (s *Service) LintType(ctx context.Context, t Type) (TypeLint, error) {
	var l TypeLint
	var sets []*questionnaire.Questionnaire
	for _, key := range t.Questionnaires {
		set, err := s.newest(ctx, s.db, key)
		if fault.Is(err, fault.NotFound) {
			l.Missing = append(l.Missing, key)
			continue
		}
		if err != nil {
			return l, err
		}
		for tier := 1; tier <= 3; tier++ {
			l.Asked[tier-1] += len(asks(set.set, set.off, t.CorePath(tier), tier))
		}
		sets = append(sets, set.set)
	}
	l.Overlaps = questionnaire.Together(sets...)
	return l, nil
}
