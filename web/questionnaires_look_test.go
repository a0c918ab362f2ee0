package web_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

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

// TestImportPagesLookRight opens the import of files as Chromium shows it.
func TestImportPagesLookRight(t *testing.T) {
	s := newSite(t)
	s.publish()
	cara := newCurator(s)
	e := s.look(cara)
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	e.open("/questionnaires/import")
	e.judge("import")
	e.upload(file("broken.yaml", "key: greek\nname: Greek\nsections: none\n"))
	e.judge("import-refused")
	e.upload(file("greek.yaml", greek("1.0.0", "Is alpha done and is it finished?", "")))
	e.judge("import-new")
	look := cara.send("/questionnaires/import", "greek.yaml", greek("1.0.0", "Is alpha done?", ""))
	cara.send("/questionnaires/import", "", "", publishForm(look)...).is(303)
	e.upload(file("greek.yaml", greek("1.1.0", "Is alpha finished?", beta)))
	e.judge("import-next")
	e.upload(file("greek.json", cara.get("/questionnaires/greek/export/aws").Body))
	e.judge("import-lens")
}

// upload chooses a file in the form of the page and sends it.
func (e *eye) upload(path string) {
	e.Helper()
	if err := chromedp.Do(e.ctx, chromedp.SetUploadFiles(chromedp.CSS(`input[type="file"]`), []string{path})); err != nil {
		e.Fatal(err)
	}
	if _, err := chromedp.RunResponse(e.ctx, chromedp.Click(chromedp.CSS(`form:has(#f-file) button[type="submit"]`))); err != nil {
		e.Fatal(err)
	}
}
