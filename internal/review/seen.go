package review

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

// seen is what an approver has before them, in short: enough to say later what became
// different. It travels in the form, so it holds no words that people wrote.
type seen struct {
	Content    string      `json:"c"`
	Submission int         `json:"n"`
	At         int64       `json:"t"` // of the submission, in microseconds
	Voices     []seenVoice `json:"v,omitempty"`
	Changed    []seenProof `json:"e,omitempty"`
	Accepted   []seenRisk  `json:"a,omitempty"`
	Unowned    []string    `json:"u,omitempty"`
}

type seenVoice struct {
	Person uuid.UUID `json:"p"`
	Voice  string    `json:"v"`
	At     int64     `json:"t"`
	Counts bool      `json:"c"`
}

type seenProof struct {
	Question string `json:"q"`
	Check    string `json:"c"`
	State    string `json:"s"`
}

type seenRisk struct {
	Question string `json:"q"`
	ID       string `json:"i"`
	State    string `json:"s"`
	Until    string `json:"u"`
}

func (r Readout) seen() seen {
	s := seen{Content: hex.EncodeToString(r.Round.ContentSHA256), Submission: r.Round.Submissions}
	if r.Round.SubmittedAt != nil {
		s.At = r.Round.SubmittedAt.UnixMicro()
	}
	for _, v := range r.SignOffs {
		s.Voices = append(s.Voices, seenVoice{v.PersonID, v.Voice, v.SignedAt.UnixMicro(), v.Counts})
	}
	for _, c := range r.Changed {
		s.Changed = append(s.Changed, seenProof{c.Entry.Key(), c.Proof.Check.ID, string(c.Proof.State)})
	}
	for _, a := range snapshotAcceptances(r.Sheet) {
		s.Accepted = append(s.Accepted, seenRisk{a.Question, a.ID, a.State, a.Until})
	}
	for _, e := range r.Unowned {
		s.Unowned = append(s.Unowned, e.Key())
	}
	return s
}

// Seen names what an approver has before them: the submission, the voices, the evidence that
// changed, and the acceptances and owners as they stand. A decision made on another Seen is a *StaleReadout.
func (r Readout) Seen() string {
	b, _ := json.Marshal(r.seen()) // strings, numbers and ids
	return base64.RawURLEncoding.EncodeToString(b)
}

// StaleReadout says that something changed since an approver read the readout. Nothing was
// written.
type StaleReadout struct {
	Differences []string // whole sentences; empty when it is not known what was read
}

func (e *StaleReadout) Error() string {
	return "the readout is stale: " + strings.Join(e.Differences, " ")
}

// Unwrap makes a StaleReadout a Conflict that says what changed.
func (e *StaleReadout) Unwrap() error {
	if len(e.Differences) == 0 {
		return fault.New(fault.Conflict, "What you decide on is not what this page shows now. Read it again; your input is still here.")
	}
	return fault.New(fault.Conflict, "This changed since you read it. Your input is still here. %s", strings.Join(e.Differences, " "))
}

// sinceSeen compares what was shown with what is.
func (s *Service) sinceSeen(ctx context.Context, q postgres.Querier, shown string, r Readout) error {
	stale := &StaleReadout{}
	var was seen
	b, err := base64.RawURLEncoding.DecodeString(shown)
	if err != nil || json.Unmarshal(b, &was) != nil || was.Content == "" {
		return stale
	}
	is := r.seen()
	if was.Content != is.Content {
		if stale.Differences, err = s.sinceSubmission(ctx, q, was, r); err != nil {
			return err
		}
		return stale
	}
	stale.Differences = append(voiceDifferences(was, r), proofDifferences(was, r)...)
	stale.Differences = append(stale.Differences, riskDifferences(was, is, r)...)
	return stale
}

// sinceSubmission says that there is a new submission, and which answers were saved since.
func (s *Service) sinceSubmission(ctx context.Context, q postgres.Querier, was seen, r Readout) ([]string, error) {
	list := []string{fmt.Sprintf("%s submitted this round again: you read submission %d, this is submission %d.", r.Round.SubmittedBy, was.Submission, r.Round.Submissions)}
	const sql = `
		select v.version_id, v.question_id, p.name from answer_revisions v join people p on p.id = v.saved_by
		where v.round_id = $1 and v.saved_at > $2 order by v.saved_at`
	rows, err := q.Query(ctx, sql, r.Round.ID, time.UnixMicro(was.At))
	if err != nil {
		return nil, fmt.Errorf("read answers saved since: %w", err)
	}
	defer rows.Close()
	told := map[string]bool{}
	for rows.Next() {
		var version uuid.UUID
		var question, by string
		if err := rows.Scan(&version, &question, &by); err != nil {
			return nil, fmt.Errorf("read answers saved since: %w", err)
		}
		key := r.pinOf(version).Key + "/" + question
		if e, ok := r.entry(key); ok && !told[key] {
			told[key] = true
			list = append(list, fmt.Sprintf("%s saved another answer to %q.", by, e.Question.Title))
		}
	}
	return list, rows.Err()
}

// entry finds a question of the readout by its key.
func (r Readout) entry(key string) (Entry, bool) {
	for _, e := range r.Entries() {
		if e.Key() == key {
			return e, true
		}
	}
	return Entry{}, false
}

// voiceDifferences says who signed off, or lost their voice, since.
func voiceDifferences(was seen, r Readout) (list []string) {
	before := map[uuid.UUID]seenVoice{}
	for _, v := range was.Voices {
		before[v.Person] = v
	}
	for _, v := range r.SignOffs {
		old, had := before[v.PersonID]
		word := "agrees"
		if v.Voice == Object {
			word = "objects"
		}
		switch {
		case !had || old.At != v.SignedAt.UnixMicro():
			list = append(list, strings.TrimSpace(v.Person+" signed off and "+word+": "+v.Note))
		case old.Counts != v.Counts && v.Counts:
			list = append(list, "The voice of "+v.Person+" counts again.")
		case old.Counts != v.Counts:
			list = append(list, "The voice of "+v.Person+" no longer counts: not an approver any more.")
		}
	}
	for i := range list {
		if last := list[i][len(list[i])-1]; last == ':' {
			list[i] = list[i][:len(list[i])-1] + "."
		} else if !bytes.ContainsRune([]byte(".!?"), rune(last)) {
			list[i] += "."
		}
	}
	return list
}

// proofDifferences says which evidence changed since.
func proofDifferences(was seen, r Readout) (list []string) {
	before := map[string]string{}
	for _, p := range was.Changed {
		before[p.Question+"/"+p.Check] = p.State
	}
	for _, c := range r.Changed {
		key := c.Entry.Key() + "/" + c.Proof.Check.ID
		if before[key] != string(c.Proof.State) {
			list = append(list, fmt.Sprintf("Evidence on %q says %s now.", c.Entry.Question.Title, strings.ReplaceAll(string(c.Proof.State), "_", " ")))
		}
		delete(before, key)
	}
	for key := range before {
		if i := strings.LastIndexByte(key, '/'); i > 0 {
			if e, ok := r.entry(key[:i]); ok {
				list = append(list, fmt.Sprintf("Evidence on %q says again what it said at submission.", e.Question.Title))
			}
		}
	}
	return list
}

// riskDifferences says which acceptances changed, and which highs lost or got an owner.
func riskDifferences(was, is seen, r Readout) (list []string) {
	about := func(key, words string) {
		if e, ok := r.entry(key); ok {
			list = append(list, fmt.Sprintf("The risk of %q %s.", e.Question.Title, words))
		}
	}
	for _, a := range is.Accepted {
		if !slices.Contains(was.Accepted, a) {
			about(a.Question, "has an acceptance that is "+a.State+" until "+a.Until+" now")
		}
	}
	for _, a := range was.Accepted {
		if !slices.ContainsFunc(is.Accepted, func(b seenRisk) bool { return b.ID == a.ID }) {
			about(a.Question, "has lost the acceptance that was "+a.State)
		}
	}
	for _, key := range is.Unowned {
		if !slices.Contains(was.Unowned, key) {
			about(key, "has nobody who mends or accepts it any more")
		}
	}
	for _, key := range was.Unowned {
		if !slices.Contains(is.Unowned, key) {
			about(key, "has somebody who mends or accepts it now")
		}
	}
	return list
}
