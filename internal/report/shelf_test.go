package report

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// printed prints a sample and returns its bytes.
func printedCopy(t *testing.T, in Input) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Print(t.Context(), &b, in); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhoAsksTogetherGetsOnePrinting(t *testing.T) {
	in := decided()
	in.URL += "/together"
	in.PrintedAt = time.Date(2026, 5, 1, 9, 30, 10, 0, time.UTC)
	copies := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range copies {
		wg.Go(func() {
			mine := in
			mine.PrintedAt = in.PrintedAt.Add(time.Duration(i) * time.Second)
			copies[i] = printedCopy(t, mine)
		})
	}
	wg.Wait()
	for i, c := range copies {
		if !bytes.Equal(c, copies[0]) {
			t.Errorf("copy %d is another printing", i)
		}
	}
}

func TestWhatChangedIsPrintedAnew(t *testing.T) {
	in := decided()
	in.URL += "/anew"
	first := printedCopy(t, in)
	if again := printedCopy(t, in); !bytes.Equal(first, again) {
		t.Error("the same content gave other bytes")
	}
	for what, change := range map[string]func(*Input){
		"the next minute": func(in *Input) { in.PrintedAt = in.PrintedAt.Add(time.Minute) },
		"another extent":  func(in *Input) { in.Extent = ReadoutOnly },
		"a questionnaire": func(in *Input) {
			in.Snapshot.Questionnaires = append(in.Snapshot.Questionnaires[:0:0], in.Snapshot.Questionnaires...)
			in.Snapshot.Questionnaires[0].Name += " (new)"
		},
		"what followed": func(in *Input) { in.Beside.Followed = !in.Beside.Followed },
	} {
		changed := in
		change(&changed)
		if bytes.Equal(first, printedCopy(t, changed)) {
			t.Errorf("%s: the old printing was handed out", what)
		}
	}
	shelf.Lock()
	defer shelf.Unlock()
	if len(shelf.list) > shelved {
		t.Errorf("%d printings are kept", len(shelf.list))
	}
}

func TestFailedPrintingIsNotKept(t *testing.T) {
	in := decided()
	in.URL += "/fails"
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range cap(printing) { // nobody else prints
		printing <- struct{}{}
	}
	var b bytes.Buffer
	err := Print(gone, &b, in)
	for range cap(printing) {
		<-printing
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if len(printedCopy(t, in)) == 0 {
		t.Error("nothing was printed after one who left")
	}
	in.State = "garbled"
	for range 2 {
		if err := Print(t.Context(), &b, in); err == nil {
			t.Error("an unknown state was printed")
		}
	}
}
