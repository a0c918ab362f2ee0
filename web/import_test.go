package web_test

import (
	"bytes"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/internal/identity"
)

// send posts a multipart form: a file unless its name is empty, and fields.
func (b *browser) send(path, file, content string, fields ...string) answer {
	b.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if file != "" {
		part, err := w.CreateFormFile("file", file)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return b.ask("POST", path, &body, http.Header{"Content-Type": {w.FormDataContentType()}})
}

// publishForm is the form of a dry run, as a browser would send it.
func publishForm(a answer, more ...string) []string {
	a.Helper()
	return append(more, "act", "publish", "name", a.value("name"), "content", a.value("content"), "shown", a.value("shown"))
}

func newCurator(s *site) *browser {
	s.Helper()
	_, cara := s.person("Cara Quist", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}})
	return cara
}

func TestImportIsForCurators(t *testing.T) {
	s := newSite(t)
	cara := newCurator(s)
	_, vera := s.person("Vera Lind", identity.InviteInput{})
	for name, who := range map[string]*browser{"an admin": s.Ada, "somebody": vera} {
		t.Run(name, func(t *testing.T) {
			who.get("/questionnaires/import").is(http.StatusForbidden).says("Only a curator may write and import questionnaires, and change review types.")
			who.send("/questionnaires/import", "greek.yaml", greek("1.0.0", "Is alpha done?", "")).is(http.StatusForbidden)
			content := base64.StdEncoding.EncodeToString([]byte(greek("1.0.0", "Is alpha done?", "")))
			who.send("/questionnaires/import", "", "", "act", "publish", "content", content, "shown", "greek 1.0.0 ").is(http.StatusForbidden)
			who.get("/questionnaires").is(http.StatusOK).hides("Import a set")
		})
	}
	s.visitor().get("/questionnaires/import").is(http.StatusSeeOther)
	s.visitor().send("/questionnaires/import", "greek.yaml", greek("1.0.0", "Is alpha done?", "")).is(http.StatusUnauthorized)
	cara.ask("POST", "/questionnaires/import", strings.NewReader(""), http.Header{"Sec-Fetch-Site": {"cross-site"}}).is(http.StatusForbidden)
	cara.get("/questionnaires").says("Import a set")
	cara.get("/questionnaires/import").is(http.StatusOK).says("At most 500,000 characters.")
	if n := s.count(`select count(*) from questionnaires`); n != 0 {
		t.Errorf("%d sets", n)
	}
}

func TestImportLooksFirst(t *testing.T) {
	s := newSite(t)
	cara := newCurator(s)
	look := cara.send("/questionnaires/import", "greek.yaml", greek("1.0.0", "Is alpha done and is it finished?", "")).is(http.StatusOK)
	look.says("What would come of greek.yaml. Nothing is written yet.", "This becomes a new set of your organisation.", "Key greek", "Version 1.0.0", "Questions 2",
		"The title of alpha asks two things.", "sections[0].questions[0].title", "1 warning. They refuse nothing.", "Publish version 1.0.0")
	if n := s.count(`select count(*) from questionnaires`); n != 0 {
		t.Fatalf("the dry run wrote %d sets", n)
	}
	done := cara.send("/questionnaires/import", "", "", publishForm(look)...).leadsTo("/questionnaires/greek")
	cara.follow(done).says("Version 1.0.0 of Greek letters is published.", "by Cara Quist", "Origin your organisation")
	if n := s.count(`select count(*) from audit_records where convert_from(body, 'UTF8') like '%questionnaire.published%greek%Cara Quist%' or convert_from(body, 'UTF8') like '%Cara Quist%questionnaire.published%greek%'`); n != 1 {
		t.Errorf("%d records", n)
	}

	s.Clock.pass(time.Hour)
	next := cara.send("/questionnaires/import", "greek.yaml", greek("1.1.0", "Is alpha finished?", beta)).is(http.StatusOK)
	next.says("Major: 1 added and 1 reworded. Answers need a look. Running reviews keep their version.",
		"The difference is major, but the number goes from 1.0.0 to 1.1.0, which says minor.", "Compared with 1.0.0", "question beta", "after: Is alpha finished?")
	// Somebody else publishes in between: what was shown is no longer what would come of it.
	other := cara.send("/questionnaires/import", "greek.yaml", greek("1.0.5", "Is alpha known?", "")).is(http.StatusOK)
	cara.send("/questionnaires/import", "", "", publishForm(other)...).is(http.StatusSeeOther)
	again := cara.send("/questionnaires/import", "", "", publishForm(next)...).is(http.StatusConflict)
	again.says("This is not what you looked at before", "Compared with 1.0.5")
	cara.send("/questionnaires/import", "", "", publishForm(again)...).is(http.StatusSeeOther)
	// The same form again: a published version never changes.
	cara.send("/questionnaires/import", "", "", publishForm(again)...).is(http.StatusUnprocessableEntity).
		says("Version 1.1.0 of greek is published already, and a published version never changes.")
	if n := s.count(`select count(*) from questionnaire_versions`); n != 3 {
		t.Errorf("%d versions", n)
	}
}

func TestImportRefusesFiles(t *testing.T) {
	s := newSite(t)
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", "")})
	cara := newCurator(s)
	for name, c := range map[string]struct {
		file, content string
		want          []string
	}{
		"a shipped key":   {"greek.yaml", greek("2.0.0", "Is alpha done?", beta), []string{"The key greek belongs to a set that Orrery ships, which is read-only."}},
		"NaN in JSON":     {"lens.json", "{\n  \"name\": NaN\n}", []string{"The file is refused.", "line 2, column 11", "\"NaN\" is not a value"}},
		"too long":        {"long.yaml", "name: " + strings.Repeat("x", 500_000), []string{"The file has 500006 characters; at most 500000 are allowed. Split it into several sets."}},
		"600 kB":          {"long.yaml", "name: " + strings.Repeat("x", 600_000), []string{"The file has 600006 characters; at most 500000 are allowed."}},
		"NaN in YAML":     {"own.yaml", "key: own\nname: Own\nversion: 1.0.0\nminutes: .nan\n", []string{"line 4, column 10", "This should be a whole number from 0 to 10000."}},
		"a key twice":     {"own.yaml", "key: own\nname: A\nname: B\n", []string{"line 3, column 1", "The key \"name\" is written twice."}},
		"twice in JSON":   {"lens.json", "{\"name\": \"A\",\n \"name\": \"B\"}", []string{"line 2, column 2", "written twice"}},
		"an alias bomb":   {"bomb.yaml", "a: &a [x, x]\n" + bomb(), []string{"line 1, column 4", "are not allowed."}},
		"deep in YAML":    {"deep.yaml", "key: " + strings.Repeat("[", 200_000), []string{"The file nests more than 64 levels deep.", "line 1, column"}},
		"deep in blocks":  {"deep.yaml", deepBlocks(800), []string{"The file nests more than 64 levels deep.", "line 65, column"}},
		"deep in JSON":    {"deep.json", strings.Repeat("[", 200_000), []string{"levels deep.", "line 1, column"}},
		"bytes in a text": {"own.yaml", "key: own\nname: \"a\xffb\"\n", []string{"line 2, column 9", "The file is not UTF-8 text."}},
		"far too long":    {"long.yaml", strings.Repeat("x", 5<<20), []string{"The file is longer than 500,000 characters, so it was not read."}},
		"not text":        {"photo.png", "\x89PNG\r\n\x1a\n", []string{"The file is not UTF-8 text."}},
		"empty":           {"empty.yaml", "", []string{"The file is empty. Choose another."}},
		"no file":         {"", "", []string{"Choose a file."}},
		"two errors":      {"greek.yaml", "key: greek\nversion: x\n", []string{"sections", "version", "What refuses the file"}},
		"a name in marks": {"<b>x.yaml", "key: x", []string{"<b>x.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			cara.send("/questionnaires/import", c.file, c.content).is(http.StatusUnprocessableEntity).says(c.want...).hides("Publish version")
		})
	}
	cara.send("/questionnaires/import", "", "", "content", "%%%", "act", "publish").is(http.StatusUnprocessableEntity).says("The form could not be read.")
	cara.post("/questionnaires/import", "act", "publish").is(http.StatusUnprocessableEntity)
	if n := s.count(`select count(*) from questionnaire_versions`); n != 1 {
		t.Errorf("%d versions", n)
	}
}

// bomb is a YAML file whose aliases would grow to a billion texts.
func bomb() string {
	var b strings.Builder
	for c := 'b'; c < 'k'; c++ {
		old := "*" + string(c-1)
		b.WriteString(string(c) + ": &" + string(c) + " [" + strings.Repeat(old+", ", 9) + old + "]\n")
	}
	return b.String()
}

// deepBlocks nests a key on each line.
func deepBlocks(lines int) string {
	var b strings.Builder
	for n := range lines {
		b.WriteString(strings.Repeat(" ", n) + "a:\n")
	}
	return b.String()
}

// TestImportOfALensByForm gives a lens the key and the version it does not have.
func TestImportOfALensByForm(t *testing.T) {
	s := newSite(t)
	s.publishFiles(map[string]string{"greek.yaml": greek("1.0.0", "Is alpha done?", "")})
	cara := newCurator(s)
	lens := cara.get("/questionnaires/greek/export/aws").is(http.StatusOK).Body
	taken := cara.send("/questionnaires/import", "greek.json", lens).is(http.StatusUnprocessableEntity).says("The key greek belongs to a set that Orrery ships")
	look := cara.send("/questionnaires/import", "", "", "act", "look", "name", "greek.json", "content", taken.value("content"), "key", "letters", "version", "").is(http.StatusOK)
	look.says("AWS custom lens", "Publish version 1.0.0")
	// Another key than the one that was looked at is looked at first.
	cara.send("/questionnaires/import", "", "", publishForm(look, "key", "signs", "version", "1.0.0")...).is(http.StatusConflict).says("This is not what you looked at before")
	cara.send("/questionnaires/import", "", "", publishForm(look, "key", "letters", "version", "1.0.0")...).leadsTo("/questionnaires/letters")
	if out := cara.get("/questionnaires/letters/export/aws").is(http.StatusOK).Body; out != lens {
		t.Error("an unedited lens does not come out byte for byte")
	}
	cara.get("/questionnaires/letters").is(http.StatusOK).says("Is alpha done?", "The set does not say how long answering takes.")
}
