package web_test

import (
	"net/http"
	"strings"
	"testing"

	"orrery/internal/identity"
)

func TestDraftSections(t *testing.T) {
	s := newSite(t)
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", beta)})
	cara := newCurator(s)
	path := beginDraft(cara, "key", "own", "from", "greek")

	cara.post(path, "revision", "1", "act", "section-down first").leadsTo(path)
	page := cara.get(path)
	if strings.Index(page.Body, `id="s-first"`) < strings.Index(page.Body, `id="s-last"`) {
		t.Error("the section did not move")
	}
	cara.post(path, "revision", "2", "act", "section-up none").is(http.StatusNotFound)

	form := cara.get(path + "/s/first").is(http.StatusOK).says("Its id first stays.")
	if form.value("revision") != "2" {
		t.Errorf("revision %s", form.value("revision"))
	}
	cara.post(path+"/s/first", "revision", "2", "name", "", "description", "Kept words").is(http.StatusUnprocessableEntity).says("Give the section a name.", "Kept words")
	stale := cara.post(path+"/s/first", "revision", "1", "name", "Beginnings", "description", "Of letters").is(http.StatusConflict)
	stale.says("Not saved. Cara Quist saved this draft at", "Of letters")
	if stale.value("name") != "Beginnings" || stale.value("revision") != "2" {
		t.Error("the conflict forgets what was typed, or which revision there is")
	}
	cara.follow(cara.post(path+"/s/first", "revision", "2", "name", "Beginnings", "description", "Of letters").leadsTo(path)).says("The section is saved.", "Beginnings")
	cara.get(path + "/s/none").is(http.StatusNotFound)
	cara.post(path+"/s/none", "revision", "3", "name", "x").is(http.StatusNotFound)
	if n := s.count(`select count(*) from audit_records where convert_from(body, 'UTF8') like '%questionnaire.draft_saved%'`); n != 2 {
		t.Errorf("%d records", n)
	}
	s.onlyCurators(path+"/s/first", "revision", "3", "name", "Mine")
	s.onlyCurators(path+"/copy", "revision", "3", "from", "greek", "question", "beta", "section", "first")
}

// onlyCurators wants the page and its form refused for everybody else.
func (s *site) onlyCurators(path string, fields ...string) {
	s.Helper()
	_, vera := s.person("Vera Lind", identity.InviteInput{Email: strings.NewReplacer("/", "-").Replace(path[len(path)-8:]) + "@example.org", Roles: []identity.OrgRole{identity.Auditor}})
	for _, who := range []*browser{s.Ada, vera} {
		who.get(path).is(http.StatusForbidden)
		who.post(path, fields...).is(http.StatusForbidden)
	}
	s.visitor().get(path).is(http.StatusSeeOther)
}

func TestQuestionsAreCopiedIntoADraft(t *testing.T) {
	s := newSite(t)
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", beta)})
	cara := newCurator(s)
	path := beginDraft(cara, "key", "own", "name", "Our set")
	cara.post(path, "revision", "1", "act", "add-section", "section", "Letters").leadsTo(path)
	cara.get(path).says("Copy questions into Letters")
	cara.get(path+"/copy").is(http.StatusOK).says("Choose a set", "Greek letters, 1.0.0").hides("Is beta known?")
	cara.get(path + "/copy?from=greek&section=letters&q=beta").is(http.StatusOK).says("Is beta known?").hides("Is alpha done?")
	cara.get(path + "/copy?from=greek&q=zzz").is(http.StatusOK).says("No question is like that")
	cara.get(path + "/copy?from=none").is(http.StatusOK)

	copyBeta := func(revision string) answer {
		return cara.post(path+"/copy", "revision", revision, "from", "greek", "section", "letters", "q", "beta", "question", "beta")
	}
	done := copyBeta("2").leadsTo(path + "/copy?from=greek&q=beta&section=letters")
	cara.follow(done).says("The question is copied into the draft: Is beta known?", "the draft has this id; the copy gets another")
	copyBeta("2").is(http.StatusConflict).says("Not saved. Cara Quist saved this draft at")
	copyBeta("3").is(http.StatusSeeOther)
	cara.get(path + "/q/beta").is(http.StatusOK)
	cara.get(path + "/q/beta_2").is(http.StatusOK)
	cara.post(path+"/copy", "revision", "4", "from", "none", "section", "letters", "question", "beta").is(http.StatusUnprocessableEntity).says("Choose a set to copy from.")
	cara.post(path+"/copy", "revision", "4", "from", "greek", "section", "letters", "question", "gone").is(http.StatusUnprocessableEntity).says("Choose a question of the set.")
	cara.post(path+"/copy", "revision", "4", "from", "greek", "section", "none", "question", "beta").is(http.StatusUnprocessableEntity).says("Choose a section from the list.")
	if n := s.count(`select revision from questionnaire_drafts`); n != 4 {
		t.Errorf("revision %d", n)
	}
}

func TestChecksAndTiersAreWritten(t *testing.T) {
	s := newSite(t)
	cara := newCurator(s)
	path := beginDraft(cara, "key", "own", "name", "Our set")
	cara.post(path, "revision", "1", "act", "add-section", "section", "Recovery").leadsTo(path)
	cara.get(path+"/q/new?section=recovery").is(http.StatusOK).says("Add a check", "Tiers, tags, practices and links", "Statement 1")
	more := []string{
		"tiers", "1", "tiers", "2", "tags", "data, backup", "lineage", "REL09-BP04", "links", "Where it is written https://example.org/backup",
		"why_0", "Stores fail.", "good_0", "A job a day.", "url_0", "https://example.org/list", "practices_0", "REL09-BP01",
		"check_id_0", "", "check_source_0", "securityhub.control", "check_key_0", "", "check_choice_0", "#0", "check_expect_0", "all_pass", "check_level_0", "resource",
		"check_claim_0", "Every instance has backups.", "check_max_age_0", "soon", "check_within_0", "",
	}
	refused := cara.post(path+"/q/new", backups("2", more...)...).is(http.StatusUnprocessableEntity)
	refused.says("Say what is looked at", "Say after how many hours a fact is stale, such as 30.", "Stores fail.", "A job a day.", "Where it is written https://example.org/backup", "Statement 1: We back up every store.")
	for name, want := range map[string]string{"check_claim_0": "Every instance has backups.", "check_max_age_0": "soon", "tags": "data, backup", "url_0": "https://example.org/list", "practices_0": "REL09-BP01"} {
		if got := refused.value(name); got != want {
			t.Errorf("%s holds %q", name, got)
		}
	}
	if strings.Count(refused.Body, `value="2" checked`) != 1 || !strings.Contains(refused.Body, `<option value="#0" selected>`) {
		t.Error("the tier or the statement is forgotten")
	}
	for i, field := range more {
		switch field {
		case "check_key_0":
			more[i+1] = "RDS.11"
		case "check_max_age_0":
			more[i+1] = "30"
		}
	}
	saved := cara.follow(cara.post(path+"/q/new", backups("2", more...)...)).is(http.StatusOK)
	if saved.value("check_id_0") != "rds_11" || saved.value("check_max_age_0") != "30" {
		t.Errorf("check %s", saved.value("check_id_0"))
	}
	cara.get(path).says("tiers 1 and 2 · 1 evidence check")
	cara.post(path, "revision", "3", "act", "publish", "version", "1.0.0").leadsTo("/questionnaires/own")
	cara.get("/questionnaires/own").says("Every instance has backups.", "REL09-BP04", "Where it is written")
}
