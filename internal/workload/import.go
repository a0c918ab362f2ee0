package workload

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/sheet"
)

// Columns are what a table of workloads may hold. A column that is absent leaves what is
// stored; an empty cell empties it.
var Columns = []sheet.Column{
	{Name: "key", Required: true, Example: "payments", Hint: "2 to 40 small letters, digits and hyphens. It finds a workload that is there."},
	{Name: "name", Required: true, Example: "Payments", Hint: "At most 120 characters."},
	{Name: "team", Required: true, Example: "ledger", Hint: "The key of the team that owns it. It does not move a workload that is there."},
	{Name: "tier", Required: true, Example: "1", Hint: "1, 2 or 3."},
	{Name: "stage", Example: "live", Hint: "planned or live; planned when it is empty. Retired for a new one that is kept for the record."},
	{Name: "restricted", Example: "no", Hint: "yes or no."},
	{Name: "launch_on", Example: "2027-01-15", Hint: "A day as year-month-day."},
	{Name: "description", Example: "Takes and settles card payments.", Hint: "At most 2,000 characters."},
	{Name: "accounts", Example: "123456789012", Hint: "AWS accounts with spaces between."},
	{Name: "regions", Example: "eu-west-1 eu-central-1", Hint: "Regions with spaces between."},
	{Name: "tags", Example: "app=payments", Hint: "key=value with semicolons or commas between."},
	{Name: "application_arn", Example: "", Hint: "Of AWS myApplications."},
}

// Import adds workloads and changes those that are there, by the rules of Create and Update,
// one act and one record for each row. Without keep, or when a row is refused, nothing is
// written. Admins may; what is another team's they add, and do not change.
func (s *Service) Import(ctx context.Context, who identity.Actor, rows []sheet.Row, keep bool) ([]sheet.Change, bool, error) {
	if err := who.May(identity.ManagePeople, identity.Target{}); err != nil {
		return nil, false, fault.New(fault.Forbidden, "Only an admin may import workloads.")
	}
	now := s.now()
	changes, kept, err := postgres.ImportRows(ctx, s.db, rows, keep, func(tx pgx.Tx, row sheet.Row) (sheet.Change, error) {
		c, w, verb, err := s.importOne(ctx, tx, who, row, now)
		if err == nil && verb != "" && keep {
			err = s.record(ctx, tx, who, verb, w, now)
		}
		return c, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("import workloads: %w", err)
	}
	return changes, kept, nil
}

// importOne adds or changes the workload of a row, and returns the verb of its record; none
// when nothing changes.
func (s *Service) importOne(ctx context.Context, tx pgx.Tx, who identity.Actor, row sheet.Row, now time.Time) (c sheet.Change, w Workload, verb string, err error) {
	c.Key = row.Get("key")
	old, err := LoadByKey(ctx, tx, who, c.Key)
	if fault.Is(err, fault.NotFound) {
		in, err := readRow(Input{Stage: Planned}, row)
		if err != nil {
			return c, w, "", err
		}
		c.Kind, c.Words = sheet.Create, fmt.Sprintf("Adds %s to %s, tier %d, %s.", in.Name, in.TeamKey, in.Tier, in.Stage)
		w, err = s.create(ctx, tx, who, in, now)
		return c, w, "workload.created", err
	}
	if err != nil {
		return c, w, "", err
	}
	if old.Key != c.Key {
		return c, w, "", fault.InvalidField("key", "%s", "This is an old key of "+old.Name+", which is "+old.Key+" now.")
	}
	in, err := readRow(old.input(old.Tier), row)
	if err != nil {
		return c, w, "", err
	}
	checked, err := in.check()
	if err != nil {
		return c, w, "", err
	}
	changed := differences(old, checked)
	if len(changed) == 0 {
		c.Kind = sheet.Same
		return c, w, "", nil
	}
	if err := who.May(identity.EditWorkload, old.Target()); err != nil && (len(changed) > 1 || changed[0] != "tier") {
		return c, w, "", err
	}
	c.Kind, c.Words = sheet.Update, "Changes "+strings.Join(changed, ", ")+"."
	w, err = s.change(ctx, tx, who, old.ID, old.Version, in, now)
	return c, w, "workload.changed", err
}

// readRow lays the cells of a row over an input.
func readRow(in Input, row sheet.Row) (Input, error) {
	var bad []fault.Field
	for column, to := range map[string]*string{
		"key": &in.Key, "name": &in.Name, "team": &in.TeamKey, "launch_on": &in.LaunchOn, "description": &in.Description, "application_arn": &in.ApplicationARN,
	} {
		if row.Has(column) {
			*to = row.Get(column)
		}
	}
	if stage := strings.ToLower(row.Get("stage")); stage != "" {
		in.Stage = stage
	}
	var err error
	if in.Tier, err = strconv.Atoi(row.Get("tier")); err != nil {
		bad = append(bad, fault.Field{Name: "tier", Message: "Write 1, 2 or 3."})
	}
	if row.Has("restricted") {
		switch strings.ToLower(row.Get("restricted")) {
		case "yes", "true", "1":
			in.Restricted = true
		case "no", "false", "0", "":
			in.Restricted = false
		default:
			bad = append(bad, fault.Field{Name: "restricted", Message: "Write yes or no."})
		}
	}
	if row.Has("accounts") {
		in.Accounts = sheet.List(row.Get("accounts"))
	}
	if row.Has("regions") {
		in.Regions = sheet.List(row.Get("regions"))
	}
	if row.Has("tags") {
		in.Tags = strings.FieldsFunc(row.Get("tags"), func(r rune) bool { return r == ',' || r == ';' || r == '\n' })
	}
	if len(bad) == 0 {
		return in, nil
	}
	in.Tier = max(in.Tier, 1)
	if _, err := in.check(); err != nil { // every place of a row at once
		bad = append(bad, fault.FieldsOf(err)...)
	}
	return in, fault.InvalidFields(bad...)
}

// differences names what a checked input changes of a workload.
func differences(w Workload, c clean) (names []string) {
	stored := w.input(w.Tier)
	join := func(list []string) string { return strings.Join(list, "\n") }
	for _, d := range [][3]string{
		{"name", stored.Name, c.Name}, {"team", stored.TeamKey, c.TeamKey}, {"tier", strconv.Itoa(stored.Tier), strconv.Itoa(c.Tier)},
		{"stage", stored.Stage, c.Stage}, {"restricted", strconv.FormatBool(stored.Restricted), strconv.FormatBool(c.Restricted)},
		{"launch_on", stored.LaunchOn, day(c.launchOn)}, {"description", stored.Description, c.Description},
		{"accounts", join(stored.Accounts), join(c.Accounts)}, {"regions", join(stored.Regions), join(c.Regions)},
		{"tags", join(stored.Tags), join(c.Tags)}, {"application_arn", stored.ApplicationARN, c.ApplicationARN},
	} {
		if d[1] != d[2] {
			names = append(names, d[0])
		}
	}
	return names
}

// create writes what Create does but its record.
func (s *Service) create(ctx context.Context, tx pgx.Tx, who identity.Actor, in Input, now time.Time) (w Workload, err error) {
	c, err := in.check()
	if err != nil {
		return w, err
	}
	w = Workload{ID: uuid.Must(uuid.NewV7()), CreatedAt: now}
	if w.TeamID, err = teamByKey(ctx, tx, in.TeamKey); err != nil {
		return w, err
	}
	if err := who.May(identity.CreateWorkload, w.Target()); err != nil {
		return w, err
	}
	if c.Restricted && !who.InTeam(w.TeamID) && who.System == "" {
		return w, fault.InvalidField("restricted", "Only a member of the team may restrict its workloads: you would not see it yourself.")
	}
	if err := freeKey(ctx, tx, c.Key, w.ID); err != nil {
		return w, err
	}
	w.apply(c, now)
	if err := insert(ctx, tx, w, personID(who)); err != nil {
		return w, err
	}
	if err := admit(ctx, tx, who, w, nil, now); err != nil {
		return w, err
	}
	return w, putProduction(ctx, tx, w.ID, w.Production)
}

// change writes what Update does but its record.
func (s *Service) change(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, version int, in Input, now time.Time) (w Workload, err error) {
	if w, err = lock(ctx, tx, who, id); err != nil {
		return w, err
	}
	if who.May(identity.EditWorkload, w.Target()) != nil && who.Approves(w.ID) {
		in = w.input(in.Tier) // somebody from outside only changes the tier
	}
	c, err := in.check()
	if err != nil {
		return w, err
	}
	if err := mayUpdate(who, w, version, c); err != nil {
		return w, err
	}
	if w.Key != c.Key {
		if err := freeKey(ctx, tx, c.Key, w.ID); err != nil {
			return w, err
		}
		if err := keepOldKey(ctx, tx, w.ID, w.Key, c.Key); err != nil {
			return w, err
		}
	}
	had := w.Production.Accounts
	w.apply(c, now)
	if err := update(ctx, tx, w); err != nil {
		return w, err
	}
	if err := admit(ctx, tx, who, w, had, now); err != nil {
		return w, err
	}
	return w, putProduction(ctx, tx, w.ID, w.Production)
}
