package review_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// long is how often a test repeats: few times, or as often as the environment says.
func long(name string, few int) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return max(n, few)
}

// TestFiftyDecisionsAtOnce: one takes effect, and the others are told so.
func TestFiftyDecisionsAtOnce(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	w.sign(w.noor, r, review.Agree)
	readout, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 50)
	var wg sync.WaitGroup
	for i := range cap(results) {
		wg.Go(func() {
			in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Seen: readout.Seen(), Outcome: review.Go}
			who := []identity.Actor{w.noor, w.tomas}[i%2]
			if i%5 == 0 {
				in.Outcome, in.Reason = review.NoGo, "no"
			}
			_, err := w.reviews.Decide(t.Context(), who, in)
			results <- err
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !fault.Is(err, fault.Conflict):
			t.Errorf("a late decision: %v, want a conflict", err)
		}
	}
	var decisions, acts int
	err = w.db.QueryRow(t.Context(), `select (select count(*) from decisions), (select count(*) from audit_records where verb = 'round.decided')`).Scan(&decisions, &acts)
	if err != nil || won != 1 || decisions != 1 || acts != 1 {
		t.Errorf("%d won, %d decisions, %d acts, %v; want one of each", won, decisions, acts, err)
	}
}

// TestNeverSignsUnseenContent lets an approver sign while the team withdraws, edits and
// submits again: a voice that counts is on content that its giver read. ORRERY_SOAK_ROUNDS
// makes it longer.
func TestNeverSignsUnseenContent(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	signed := 0
	for i := range long("ORRERY_SOAK_ROUNDS", 20) {
		readout, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		read := hex.EncodeToString(readout.Round.ContentSHA256)
		var wg sync.WaitGroup
		var signErr error
		wg.Go(func() {
			signErr = w.reviews.SignOff(t.Context(), w.noor, review.SignOffInput{ReviewID: r.ID, Content: read, Seen: readout.Seen(), Voice: review.Agree})
		})
		wg.Go(func() { w.editAndSubmit(r, "edit "+strconv.Itoa(i)) })
		wg.Wait()
		if signErr == nil {
			signed++
		} else if !fault.Is(signErr, fault.Conflict) {
			t.Fatalf("round %d: %v", i, signErr)
		}
		now, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(now.Round.ContentSHA256) != read && len(now.SignOffs) > 0 {
			t.Fatalf("round %d: a voice counts on content that its giver never read", i)
		}
	}
	var strange int
	err := w.db.QueryRow(t.Context(), `
		select count(*) from signoffs s where not exists (
			select from audit_records a where a.verb = 'round.submitted' and strpos(convert_from(a.body, 'UTF8'), encode(s.content_sha256, 'hex')) > 0)`).Scan(&strange)
	if err != nil || strange > 0 {
		t.Errorf("%d voices are on content that was never submitted, %v", strange, err)
	}
	t.Logf("%d voices were taken", signed)
}

// editAndSubmit withdraws the round, changes an answer and submits it again.
func (w *world) editAndSubmit(r review.Review, note string) {
	ctx := w.t.Context()
	if _, err := w.reviews.Withdraw(ctx, w.asha, r.ID); err != nil {
		w.t.Error(err)
		return
	}
	sheet, err := w.reviews.Sheet(ctx, w.asha, r.ID)
	if err != nil {
		w.t.Error(err)
		return
	}
	e := sheet.Entries()[0]
	in := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Version: e.Answer.Version, Chosen: e.Answer.Chosen, Notes: note}
	if _, err := w.reviews.SaveAnswer(ctx, w.asha, in); err != nil {
		w.t.Error(err)
		return
	}
	if _, err := w.reviews.Submit(ctx, w.asha, review.SubmitInput{ReviewID: r.ID, Steps: w.steps(sheet)}); err != nil {
		w.t.Error(err)
	}
}

// cell is the state of one answer as the model sees it.
type cell struct {
	version int
	note    string
}

// edit is one operation on an answer: a read, or a save on a version.
type edit struct {
	question string
	save     bool
	base     cell // what a save is made on, and writes
}

// heard is what a client was told: the state it read, saved, or was refused with.
type heard struct {
	ok bool
	cell
}

// answers is one register per question: a save takes effect on the newest version only, and
// who is refused sees what is there.
var answers = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, op := range history {
			key := op.Input.(edit).question
			by[key] = append(by[key], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range by {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return cell{} },
	Step: func(state, input, output any) (bool, any) {
		is, in, out := state.(cell), input.(edit), output.(heard)
		if in.save && out.ok {
			return is.version == in.base.version, cell{in.base.version + 1, in.base.note}
		}
		return out.cell == is && (!in.save || in.base.version != is.version), is
	},
}

// TestSharedAnswersAreLinearizable: eight people edit the same answers. What each was told
// fits one order of acts, and every save that was acknowledged is in the history.
// ORRERY_SOAK_EDITS makes it longer.
func TestSharedAnswersAreLinearizable(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	shared := w.sheet(r.ID).Entries()[:3]
	edits := long("ORRERY_SOAK_EDITS", 50)
	began := time.Now()
	histories := make([][]porcupine.Operation, 8)
	var wg sync.WaitGroup
	for client := range histories {
		wg.Go(func() {
			known := map[string]cell{}
			for i := range edits {
				e := shared[(i*7+client)%len(shared)]
				in := edit{question: e.Question.ID, save: i%4 != 0, base: cell{known[e.Question.ID].version, fmt.Sprintf("client %d edit %d", client, i)}}
				call := time.Since(began).Nanoseconds()
				out, err := w.try(w.member(client), r, e, in)
				if err != nil {
					t.Error(err)
					return
				}
				known[e.Question.ID] = out.cell
				histories[client] = append(histories[client], porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: time.Since(began).Nanoseconds()})
			}
		})
	}
	wg.Wait()
	var all []porcupine.Operation
	acknowledged := map[string]bool{}
	for _, h := range histories {
		for _, op := range h {
			all = append(all, op)
			if in, out := op.Input.(edit), op.Output.(heard); in.save && out.ok {
				acknowledged[in.question+"/"+strconv.Itoa(in.base.version+1)+"/"+in.base.note] = true
			}
		}
	}
	if result := porcupine.CheckOperationsTimeout(answers, all, 2*time.Minute); result != porcupine.Ok {
		t.Errorf("%d edits on shared answers: %s, want a linearizable history", len(all), result)
	}
	w.wantRevisions(acknowledged)
}

func (w *world) member(client int) identity.Actor {
	if client%2 == 0 {
		return w.asha
	}
	return w.mika
}

// try does one edit and returns what the client was told.
func (w *world) try(who identity.Actor, r review.Review, e review.Entry, in edit) (heard, error) {
	if !in.save {
		page, err := w.reviews.Question(w.t.Context(), who, r.ID, e.Questionnaire, e.Question.ID)
		return heard{true, cell{page.Entry.Answer.Version, page.Entry.Answer.Notes}}, err
	}
	a, err := w.reviews.SaveAnswer(w.t.Context(), who, review.AnswerInput{
		ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Version: in.base.version, Chosen: []string{e.Question.Choices[0].ID}, Notes: in.base.note,
	})
	var stale *review.StaleAnswer
	if errors.As(err, &stale) {
		return heard{false, cell{stale.Theirs.Version, stale.Theirs.Notes}}, nil
	}
	return heard{true, cell{a.Version, a.Notes}}, err
}

// wantRevisions wants exactly the acknowledged saves in the history.
func (w *world) wantRevisions(acknowledged map[string]bool) {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), `select question_id || '/' || version || '/' || notes from answer_revisions`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var lost []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			w.t.Fatal(err)
		}
		if !acknowledged[key] {
			lost = append(lost, "nobody was told of "+key)
		}
		delete(acknowledged, key)
	}
	for key := range acknowledged {
		lost = append(lost, "lost "+key)
	}
	if err := rows.Err(); err != nil || len(lost) > 0 {
		w.t.Errorf("%v: %s", err, strings.Join(lost, "; "))
	}
}

// A stale voice or decision says what changed since.
func TestStaleReadoutSaysWhatChanged(t *testing.T) {
	w := newWorld(t, 3)
	r := w.start(review.StartInput{})
	w.answerAll(w.asha, r.ID, true)
	r = w.submit(r.ID)
	old, err := w.reviews.Readout(t.Context(), w.noor, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(r.Round.ContentSHA256), Seen: old.Seen(), Outcome: review.NoGo, Reason: "x"}
	w.sign(w.tomas, r, review.Agree)
	_, err = w.reviews.Decide(t.Context(), w.noor, in)
	wantFault(t, err, fault.Conflict, "Tomas Berg signed off and agrees: because.")
	now, _ := w.reviews.Readout(t.Context(), w.noor, r.ID)
	in.Seen = now.Seen()
	w.exec(`delete from grants where person_id = $1`, w.tomas.PersonID)
	_, err = w.reviews.Decide(t.Context(), w.noor, in)
	wantFault(t, err, fault.Conflict, "The voice of Tomas Berg no longer counts")
	for _, seen := range []string{"", "nonsense", "e30"} {
		in.Seen = seen
		_, err = w.reviews.Decide(t.Context(), w.noor, in)
		wantFault(t, err, fault.Conflict, "Read it again")
	}
	w.later(time.Minute)
	w.editAndSubmit(r, "new words")
	in.Seen = old.Seen()
	_, err = w.reviews.Decide(t.Context(), w.noor, in)
	title := old.Entries()[0].Question.Title
	wantFault(t, err, fault.Conflict, fmt.Sprintf("you read submission 1, this is submission 2. Asha Rao saved another answer to %q.", title))
	var stale *review.StaleReadout
	if !errors.As(err, &stale) || len(stale.Differences) != 2 {
		t.Errorf("differences: %+v", stale)
	}
	err = w.reviews.SignOff(t.Context(), w.noor, review.SignOffInput{ReviewID: r.ID, Content: in.Content, Seen: old.Seen(), Voice: review.Agree})
	wantFault(t, err, fault.Conflict, "this is submission 2")
}
