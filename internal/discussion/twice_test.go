package discussion_test

import (
	"sync"
	"testing"
	"time"

	"orrery/internal/discussion"
)

func TestACommentSentTwiceIsOne(t *testing.T) {
	h := newHouse(t, false)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := h.talk.Start(t.Context(), h.vera, discussion.OnQuestion, h.question, body("Why?")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	count := func(what string, want int) {
		t.Helper()
		var n int
		if err := h.db.QueryRow(t.Context(), `select count(*) from comments`).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d comments, %v, want %d", what, n, err, want)
		}
	}
	count("sent four times at once", 1)
	thread, _ := h.start(h.asha, body("Why?"))
	count("by somebody else", 2)
	reply := func(who string) {
		t.Helper()
		if _, err := h.talk.Reply(t.Context(), h.mika, thread, body(who)); err != nil {
			t.Fatal(err)
		}
	}
	reply("Because.")
	reply("Because.")
	count("a reply sent twice", 3)
	reply("Because of it.")
	count("other words", 4)
	h.clock = h.clock.Add(time.Minute)
	reply("Because.")
	count("a minute later", 5)
}
