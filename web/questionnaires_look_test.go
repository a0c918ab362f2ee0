package web_test

import (
	"testing"
	"time"

	"orrery/questionnaires"
)

// TestQuestionnairePagesLookRight opens the pages of the library as Chromium shows them.
func TestQuestionnairePagesLookRight(t *testing.T) {
	s := newSite(t)
	e := s.look(s.Ada)
	e.open("/questionnaires")
	e.judge("library-empty")

	s.publish()
	orr, err := questionnaires.FS.ReadFile("orr.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", "")})
	s.Clock.pass(time.Hour)
	s.publishFiles(map[string]string{"greek.yaml": greek("2.0.0", "Is alpha done and is it finished?", beta), "orr.yaml": string(orr)})
	e.open("/questionnaires")
	e.judge("library")
	e.open("/questionnaires/orr")
	e.judge("set")
	e.open("/questionnaires/orr?q=rollback&core=1")
	e.unfold()
	e.judge("set-filtered")
	e.open("/questionnaires/orr?q=zebra")
	e.judge("set-none")
	e.open("/questionnaires/greek")
	e.unfold()
	e.judge("set-small")
	e.open("/questionnaires/greek/compare")
	e.judge("compare")
	e.open("/questionnaires/orr/compare")
	e.judge("compare-none")
}
