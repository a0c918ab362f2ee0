package discussion

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// maxMentions bounds how many people one comment calls.
const maxMentions = 20

// called finds @local, the part of an address before its @, and @"Full Name". Neither
// stands within a word, so that an address itself calls nobody.
var called = regexp.MustCompile(`(?:^|[^\pL\pN._%+@-])@(?:"([^"\n]{1,120})"|([\pL\pN][\pL\pN._%+-]*))`)

// calledIn lists what a body calls: lower-case names and parts of addresses, each once.
func calledIn(body string) (names, locals []string) {
	for _, m := range called.FindAllStringSubmatch(body, -1) {
		if m[1] != "" {
			names = append(names, strings.ToLower(strings.Join(strings.Fields(m[1]), " ")))
		} else {
			locals = append(locals, strings.ToLower(strings.TrimRight(m[2], ".-_%+")))
		}
	}
	slices.Sort(names)
	slices.Sort(locals)
	return slices.Compact(names), slices.Compact(locals)
}

// found is a person whom a comment may mean.
type found struct {
	ID     uuid.UUID
	Name   string
	Local  string // of the address, in lower case
	Chosen bool   // by id
	Reads  bool   // may read the workload
}

// readers in SQL says of a person p and a workload w what identity.Actor.CanRead says.
const readers = `(not w.restricted
	or exists (select from memberships m where m.person_id = p.id and m.team_id = w.team_id)
	or exists (select from org_roles o where o.person_id = p.id and o.role = 'auditor')
	or exists (select from grants g where g.person_id = p.id and g.granted_by is distinct from p.id and (g.workload_id is null or g.workload_id = w.id)))`

// mentioned resolves whom a comment calls: those chosen in the form, and those named in the
// text. A word after an @ that names nobody stays a word. Invalid on "notify" or "body" when
// a name is ambiguous, somebody may not read the workload, or too many are called.
func (t Target) mentioned(ctx context.Context, q postgres.Querier, who identity.Actor, body string, notify []string) ([]uuid.UUID, error) {
	chosen := make([]uuid.UUID, 0, len(notify))
	for _, n := range notify {
		id, err := uuid.Parse(n)
		if err != nil {
			return nil, fault.InvalidField("notify", "Choose people from the list.")
		}
		chosen = append(chosen, id)
	}
	names, locals := calledIn(body)
	if len(names)+len(locals)+len(chosen) == 0 {
		return nil, nil
	}
	const sql = `
		select p.id, p.name, split_part(p.email, '@', 1) as local, p.id = any(@chosen) as chosen, ` + readers + ` as reads
		from people p join workloads w on w.id = @workload
		where p.deactivated_at is null and p.service_team is null
			and (p.id = any(@chosen) or lower(p.name) = any(@names) or split_part(p.email, '@', 1) = any(@locals))
		order by lower(p.name), p.id limit 200`
	rows, err := q.Query(ctx, sql, pgx.StrictNamedArgs{"workload": t.WorkloadID, "chosen": chosen, "names": names, "locals": locals})
	if err != nil {
		return nil, fmt.Errorf("find people: %w", err)
	}
	people, err := pgx.CollectRows(rows, pgx.RowToStructByName[found])
	if err != nil {
		return nil, fmt.Errorf("find people: %w", err)
	}
	return t.meant(who, people, chosen, names, locals)
}

// meant decides whom the found people are.
func (t Target) meant(who identity.Actor, people []found, chosen []uuid.UUID, names, locals []string) (ids []uuid.UUID, err error) {
	for _, p := range people {
		if p.Chosen {
			ids = append(ids, p.ID)
			chosen = slices.DeleteFunc(chosen, func(id uuid.UUID) bool { return id == p.ID })
		}
	}
	if len(chosen) > 0 {
		return nil, fault.InvalidField("notify", "Choose people from the list.")
	}
	for _, list := range []struct {
		words []string
		is    func(found, string) bool
	}{
		{names, func(p found, word string) bool { return strings.ToLower(p.Name) == word }},
		{locals, func(p found, word string) bool { return p.Local == word }},
	} {
		for _, word := range list.words {
			var same []uuid.UUID
			for _, p := range people {
				if list.is(p, word) {
					same = append(same, p.ID)
				}
			}
			switch {
			case len(same) == 1:
				ids = append(ids, same[0])
			case len(same) > 1 && !slices.ContainsFunc(same, func(id uuid.UUID) bool { return slices.Contains(ids, id) }):
				return nil, fault.InvalidField("body", "More than one person is called @%s. Choose the one you mean under Notify, or write the part of their address before the @.", word)
			}
		}
	}
	for _, p := range people {
		if slices.Contains(ids, p.ID) && !p.Reads {
			return nil, fault.InvalidField("body", "%s may not read %s, so a mention would not reach them. Leave the mention out, or ask for their access first.", p.Name, t.WorkloadName)
		}
	}
	ids = slices.DeleteFunc(ids, func(id uuid.UUID) bool { return id == who.PersonID })
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	ids = slices.Compact(ids)
	if len(ids) > maxMentions {
		return nil, fault.InvalidField("body", "A comment mentions at most %d people.", maxMentions)
	}
	return ids, nil
}

func putMentions(ctx context.Context, tx pgx.Tx, comment uuid.UUID, people []uuid.UUID, now time.Time) error {
	if len(people) == 0 {
		return nil
	}
	const sql = `
		insert into mentions (comment_id, person_id, mentioned_at)
		select $1, person, $3 from unnest($2::uuid[]) as person order by person
		on conflict do nothing`
	if _, err := tx.Exec(ctx, sql, comment, people, now); err != nil {
		return fmt.Errorf("write mentions: %w", err)
	}
	return nil
}

// ReadMentions marks mentions of the actor as read, by the ids of their comments; others'
// are left alone. It is bookkeeping of one's own, without an audit row.
func (s *Service) ReadMentions(ctx context.Context, who identity.Actor, comments []uuid.UUID) error {
	if err := inPerson(who); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, `update mentions set read_at = $3 where person_id = $1 and comment_id = any($2) and read_at is null`,
		who.PersonID, comments, s.now())
	if err != nil {
		return fmt.Errorf("mark mentions: %w", err)
	}
	return nil
}
