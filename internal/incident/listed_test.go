package incident_test

import (
	"fmt"
	"testing"

	"orrery/internal/incident"
)

// TestListedLessonsHaveTheirPractices as they have one by one.
func TestListedLessonsHaveTheirPractices(t *testing.T) {
	h := newHouse(t)
	i := h.closed("payments")
	h.proposed(i)
	h.proposed(i)
	list, _, err := h.service.Lessons(t.Context(), h.asha, incident.LessonFilter{})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d lessons, %v", len(list), err)
	}
	for _, l := range list {
		if one := must[incident.Lesson](h)(h.service.Lesson(t.Context(), h.asha, l.ID)); len(l.Practices) != 2 || fmt.Sprint(l.Practices) != fmt.Sprint(one.Practices) {
			t.Errorf("listed with %v, read with %v", l.Practices, one.Practices)
		}
	}
}

// TestAQuestionIsStoredClean however it is sent.
func TestAQuestionIsStoredClean(t *testing.T) {
	h := newHouse(t)
	l := h.accepted(h.closed("payments"))
	h.publish()
	for _, sent := range []string{" " + l.PutSet + "/" + l.PutQuestion + " ", l.PutSet[:3] + "\x00" + l.PutSet[3:] + "/" + l.PutQuestion} {
		in := full("payments")
		in.Question = sent
		i := must[incident.Incident](h)(h.service.Create(t.Context(), h.asha, in))
		if i.Question() != l.PutSet+"/"+l.PutQuestion {
			t.Errorf("%q is stored as %q", sent, i.Question())
		}
	}
}
