package evidence

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
	"orrery/internal/workload"
)

// OwnFilter narrows a list of own facts. Empty members do not narrow.
type OwnFilter struct {
	Source string
	Key    string
	After  string // the cursor returned with the page before
	Limit  int    // 1 to 100; 0: 50
}

// Report stores facts that a program of the organisation found on a workload, and judges them
// anew: each over the reporter's own earlier one of the same source, key and subject, unless
// that was observed later. What says the same again changes nothing. Members of the owning team
// may. Invalid on what is wrong ("facts[3].title"); conflict when the workload is retired.
func (s *Service) Report(ctx context.Context, who identity.Actor, workloadID uuid.UUID, facts []OwnInput) error {
	checks, err := s.checks(ctx)
	if err != nil {
		return fmt.Errorf("report facts: %w", err)
	}
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		w, err := lockReported(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if w.Stage == workload.Retired {
			return fault.New(fault.Conflict, "This workload is retired, so no facts are taken for it.")
		}
		if facts, err = checkReport(facts, now); err != nil {
			return err
		}
		written := 0
		for _, f := range facts {
			wrote, err := putOwn(ctx, tx, w.ID, nilID(who.PersonID), nilID(who.TokenID), f, now)
			if err != nil {
				return fmt.Errorf("write fact: %w", err)
			}
			if wrote {
				written++
			}
		}
		if err := ownRoom(ctx, tx, w.ID); err != nil {
			return err
		}
		if err := judgeOwn(ctx, tx, w.ID, checks, now); err != nil || written == 0 {
			return err
		}
		return recordOwn(ctx, tx, who, "evidence.reported", w.ID, sourcesOf(facts), written, now)
	})
	if err != nil {
		return fmt.Errorf("report facts: %w", err)
	}
	return nil
}

// lockReported loads the workload for somebody who may report on it; reports on one workload
// wait for each other.
func lockReported(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (workload.Workload, error) {
	if err := lockWorkload(ctx, tx, id); err != nil {
		return workload.Workload{}, err
	}
	w, err := workload.Load(ctx, tx, who, id)
	if err != nil {
		return w, err
	}
	return w, who.May(identity.ReportFacts, w.Target())
}

// ownRoom refuses more facts than a workload may have.
func ownRoom(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID) error {
	var n int
	if err := tx.QueryRow(ctx, `select count(*) from own_facts where workload_id = $1`, workloadID).Scan(&n); err != nil {
		return err
	}
	if n > maxOwn {
		return fault.InvalidField("facts", "A workload has at most 2,000 facts of this kind. Remove those that are no longer reported.")
	}
	return nil
}

func recordOwn(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, workloadID uuid.UUID, sources string, n int, now time.Time) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(workloadID), Verb: verb, TargetKind: "workload", TargetID: workloadID.String(), At: now,
		Details: []audit.Detail{{Name: "sources", Value: sources}, {Name: "facts", Value: strconv.Itoa(n)}},
	})
}

func sourcesOf(facts []OwnInput) string {
	var list []string
	for _, f := range facts {
		list = append(list, f.Source)
	}
	return strings.Join(distinct(list), " ")
}

// judgeOwn judges every check in use that looks at a source of the organisation's own.
func judgeOwn(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, checks []questionnaire.Check, now time.Time) error {
	facts, err := ownFacts(ctx, tx, workloadID, OwnFilter{}, [4]string{}, 0)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, c := range checks {
		if !questionnaire.IsOwn(c.Source) || done[c.Digest()] {
			continue
		}
		done[c.Digest()] = true
		about := slices.DeleteFunc(slices.Clone(facts), func(f OwnFact) bool { return f.Source != c.Source || f.Key != c.Key })
		if err := putOwnVerdict(ctx, tx, workloadID, JudgeOwn(c, about, now)); err != nil {
			return fmt.Errorf("store verdict: %w", err)
		}
	}
	return nil
}

// Own lists the facts that were reported on a workload, without their documents, and the
// cursor of the next page. The owning team, holders of a grant on the workload, and auditors
// may: others who may read the workload get Forbidden. Invalid on "after".
func (s *Service) Own(ctx context.Context, who identity.Actor, workloadID uuid.UUID, f OwnFilter) (list []OwnFact, next string, err error) {
	w, err := workload.Load(ctx, s.db, who, workloadID)
	if err != nil {
		return nil, "", err
	}
	if err := mayReadFindings(who, w); err != nil {
		return nil, "", err
	}
	var after [4]string
	if f.After != "" {
		raw, err := base64.RawURLEncoding.DecodeString(f.After)
		if err == nil {
			err = json.Unmarshal(raw, &after)
		}
		if err != nil || after[0] == "" || after[3] == "" || strings.ContainsRune(strings.Join(after[:], ""), 0) || cursorOf(after[:]) != f.After { // nothing is left out
			return nil, "", fault.InvalidField("after", "This page of the list cannot be found; start again from the first.")
		}
	}
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 50
	}
	list, err = ownFacts(ctx, s.db, w.ID, f, after, f.Limit+1)
	for i := range list {
		list[i].Workload = w.Key
	}
	if err == nil && len(list) > f.Limit {
		list = list[:f.Limit]
		last := list[f.Limit-1]
		next = cursorOf([]string{last.Source, last.Key, last.Subject, last.ID.String()})
	}
	return list, next, err
}

// OwnFact reads one fact that was reported, with its document. Who may list it may; not found
// for who may not read the workload.
func (s *Service) OwnFact(ctx context.Context, who identity.Actor, id uuid.UUID) (OwnFact, error) {
	f, workloadID, err := ownFact(ctx, s.db, id)
	if err != nil {
		return f, err
	}
	w, err := workload.Load(ctx, s.db, who, workloadID)
	if fault.Is(err, fault.NotFound) {
		return OwnFact{}, errNoFact()
	}
	if err == nil {
		err = mayReadFindings(who, w)
	}
	if err != nil {
		return OwnFact{}, err
	}
	f.Workload = w.Key
	return f, nil
}

// RemoveOwn takes a fact away, and judges anew: what it spoke for is then not reported. Members
// of the owning team may. Not found when there is none.
func (s *Service) RemoveOwn(ctx context.Context, who identity.Actor, id uuid.UUID) error {
	checks, err := s.checks(ctx)
	if err != nil {
		return fmt.Errorf("remove fact: %w", err)
	}
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		f, workloadID, err := ownFact(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := lockReported(ctx, tx, who, workloadID); fault.Is(err, fault.NotFound) {
			return errNoFact()
		} else if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from own_facts where id = $1`, id); err != nil {
			return err
		}
		if err := judgeOwn(ctx, tx, workloadID, checks, now); err != nil {
			return err
		}
		return recordOwn(ctx, tx, who, "evidence.withdrawn", workloadID, f.Source, 1, now)
	})
	if err != nil {
		return fmt.Errorf("remove fact: %w", err)
	}
	return nil
}

// checkReport brings a report into the form that is stored.
func checkReport(facts []OwnInput, now time.Time) ([]OwnInput, error) {
	var bad []fault.Field
	if len(facts) == 0 || len(facts) > MaxReport {
		return nil, fault.InvalidField("facts", "Report between 1 and %d facts at once.", MaxReport)
	}
	seen := map[[3]string]bool{}
	out := make([]OwnInput, len(facts))
	for i, f := range facts {
		f.Subject, f.Title, f.Link = text.Line(f.Subject), text.Line(f.Title), text.Line(f.Link)
		f.ObservedAt, f.ValidUntil = f.ObservedAt.UTC().Truncate(time.Microsecond), f.ValidUntil.UTC().Truncate(time.Microsecond)
		if f.ValidUntil.IsZero() {
			f.ValidUntil = f.ObservedAt.Add(DefaultMaxAge)
		}
		for name, words := range f.problems(now) {
			bad = append(bad, fault.Field{Name: fmt.Sprintf("facts[%d].%s", i, name), Message: words})
		}
		key := [3]string{f.Source, f.Key, f.Subject}
		if seen[key] {
			bad = append(bad, fault.Field{Name: fmt.Sprintf("facts[%d]", i), Message: "This report says the same source, key and subject twice."})
		}
		seen[key] = true
		out[i] = f
	}
	slices.SortFunc(bad, func(a, b fault.Field) int { return strings.Compare(a.Name, b.Name) })
	return out, fault.InvalidFields(bad...)
}

// problems says what is wrong with a fact, by the name of the member.
func (f OwnInput) problems(now time.Time) map[string]string {
	bad := map[string]string{}
	add := func(wrong bool, name, words string) {
		if wrong {
			bad[name] = words
		}
	}
	add(!questionnaire.IsOwn(f.Source), "source", "Name the source own: and up to 40 small letters, digits and hyphens, such as own:pipeline.")
	add(!questionnaire.IsOwnKey(f.Key), "key", "Name what was looked at with up to 100 letters, digits and . _ -, such as load_test.")
	add(utf8.RuneCountInString(f.Subject) > 300, "subject", "Keep it under 300 characters.")
	add(!slices.Contains([]string{string(Pass), string(Fail), string(Unknown)}, f.State), "state", "It is pass, fail or unknown.")
	add(f.Title == "" || utf8.RuneCountInString(f.Title) > 300, "title", "Say in one sentence of at most 300 characters what was seen.")
	add(linkProblem(f.Link) != nil, "link", "Write a whole address that starts with https:// or http://, of at most 1,000 characters.")
	add(f.ObservedAt.Year() < 2000 || f.ObservedAt.After(now.Add(5*time.Minute)), "observed_at", "Say when it was seen: not before 2000, and not in the future.")
	add(!f.ValidUntil.After(f.ObservedAt) || f.ValidUntil.Sub(f.ObservedAt) > maxValid, "valid_until", "It holds until a time after it was seen, at most 400 days later.")
	add(len(f.Document) > MaxDocument, "document", "The document may have at most 64 KB.")
	return bad
}

func linkProblem(link string) error {
	if link == "" {
		return nil
	}
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(link) > 1000 {
		return errors.New("no address of a page")
	}
	return nil
}
