package discussion_test

import (
	"archive/zip"
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/discussion"
	"orrery/internal/fault"
)

func picture(t *testing.T, kind string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4)))
	case "jpeg":
		err = jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4)), nil)
	default:
		err = gif.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4)), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func archive(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		w, err := z.Create(n)
		if err == nil {
			_, err = w.Write([]byte("content"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTypesByContent(t *testing.T) {
	h := newHouse(t, false)
	webp := "RIFF\x24\x00\x00\x00WEBPVP8L\x00\x00\x00\x00"
	jpg, anim := string(picture(t, "jpeg")), string(picture(t, "gif"))
	for _, c := range []struct{ name, data, kept, media, words string }{
		{"drill.pdf", "%PDF-1.7\n%\xe2\xe3\n", "drill.pdf", "application/pdf", ""},
		{"a.png", string(picture(t, "png")), "a.png", "image/png", ""},
		{"a.JPEG", jpg, "a.jpeg", "image/jpeg", ""},
		{"a.gif", anim, "a.gif", "image/gif", ""},
		{"a.webp", webp, "a.webp", "image/webp", ""},
		{"a.zip", string(archive(t, "x.txt", "page.html")), "a.zip", "application/zip", ""},
		{"a.docx", string(archive(t, "[Content_Types].xml", "word/document.xml")), "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ""},
		{"a.xlsx", string(archive(t, "[Content_Types].xml", "xl/workbook.xml")), "a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ""},
		{"notes.md", "# Drill\n\nWe used `<b>`.", "notes.md", "text/markdown", ""},
		{"rows.csv", "a,b\n1,2\n", "rows.csv", "text/csv", ""},
		{"app.log", "\x1b[31mERROR\x1b[0m x\r\n", "app.log", "text/plain", ""},
		{"a.json", `{"a": 1}`, "a.json", "application/json", ""},
		{"a.json", `{"a": `, "a.json.txt", "text/plain", ""},
		{"evil.html", "%PDF-1.7\n", "evil.html.pdf", "application/pdf", ""},
		{`C:\me\..\a<b>.txt`, "x", "a_b_.txt", "text/plain", ""},
		{"../../etc/passwd", "root", "passwd.txt", "text/plain", ""},
		{"\u202efdp.exe.txt", "x", "fdp.exe.txt", "text/plain", ""},
		{"...", "x", "file.txt", "text/plain", ""},
		{"grüße.txt", "x", "grüße.txt", "text/plain", ""},

		{"a.html", "hello", "", "", "could run"},
		{"a.txt", "<!DOCTYPE html><p>", "", "", "could run"},
		{"a.txt", "\xef\xbb\xbf \n <HTML>", "", "", "could run"},
		{"a.svg", "hello", "", "", "could run"},
		{"a.png", `<svg xmlns="http://www.w3.org/2000/svg" onload="x()">`, "", "", "could run"},
		{"a.png", `<?xml version="1.0"?><svg/>`, "", "", "could run"},
		{"a.txt", "<!-- quiet -->\n<svg>", "", "", "could run"},
		{"a.md", "some text\n<svg onload=x()>", "", "", "could run"},
		{"a.csv", "a,b\n   <script>x()</script>", "", "", "could run"},
		{"a.gif", "GIF89a/*" + strings.Repeat("\x00", 8) + "<svg onload=x()>*/=1;", "", "", "could run"},
		{"a.jpg", jpg[:20] + "<ScRiPt>alert(1)</ScRiPt>" + jpg[20:], "", "", "could run"},
		{"a.gif", anim + "<html><script>x()</script>", "", "", "could run"},
		{"a.webp", webp + "<html>", "", "", "could run"},
		{"a.pdf", "%PDF-1.7\n<html><script>", "", "", "could run"},
		{"a.js", "alert(1)", "", "", "could run"},
		{"a.exe", "MZ\x90\x00\x03\x00", "", "", "not kept"},
		{"a.pdf", "\x7fELF\x02\x01\x01\x00", "", "", "not kept"},
		{"a.txt", "#!/bin/sh\nrm -rf x\n", "", "", "a program"},
		{"a.bat", "echo x", "", "", "a program"},
		{"a.jar", string(archive(t, "META-INF/MANIFEST.MF", "A.class")), "", "", "a program"},
		{"a.docx", string(archive(t, "[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")), "", "", "macros"},
		{"a.zip", "PK\x03\x04 no archive", "", "", "not whole"},
		{"a.png", "\x89PNG\r\n\x1a\n", "", "", "not whole"},
		{"a.txt", "caf\xe9", "", "", "not kept"},
		{"a.txt", "a\x00b", "", "", "not kept"},
		{"a.txt", "", "", "", "not empty"},
	} {
		id, err := h.talk.AddFile(t.Context(), h.mika, discussion.OnItem, h.item, c.name, []byte(c.data), discussion.Brought{Dated: "2026-11-21"})
		if c.words != "" {
			h.wants(c.name+" "+c.data[:min(len(c.data), 20)], err, fault.Invalid, c.words)
			continue
		}
		h.fine(c.name, err)
		a, data, err := h.talk.File(t.Context(), h.vera, id)
		if err != nil || a.Name != c.kept || a.MediaType != c.media || string(data) != c.data {
			t.Errorf("%s: kept as %q, %s, %v", c.name, a.Name, a.MediaType, err)
		}
		_, err = h.talk.RemoveAttachment(t.Context(), h.mika, id)
		h.fine("remove", err)
	}
}

func TestWhatIsBrought(t *testing.T) {
	h := newHouse(t, false)
	talk := h.read(h.mika)
	choice := talk.Choices[0].ID
	for _, c := range []struct {
		in    discussion.Brought
		words string
	}{
		{discussion.Brought{URL: "javascript:alert(1)", Text: "x", Dated: "2026-11-21"}, "url: Write a whole address"},
		{discussion.Brought{URL: "https://me:secret@example.org", Text: "x", Dated: "2026-11-21"}, "url: Write a whole address"},
		{discussion.Brought{URL: "/items", Text: "x", Dated: "2026-11-21"}, "url: Write a whole address"},
		{discussion.Brought{URL: "https://example.org/" + strings.Repeat("x", 2000), Text: "x", Dated: "2026-11-21"}, "under 2,000"},
		{discussion.Brought{URL: "https://example.org", Text: " ", Dated: "2026-11-21"}, "text: Say in up to 200"},
		{discussion.Brought{URL: "https://example.org", Text: "x", Dated: "2026-11-22"}, "cannot be after today"},
		{discussion.Brought{URL: "https://example.org", Text: "x", Dated: "yesterday"}, "dated: Say which day"},
		{discussion.Brought{URL: "https://example.org", Text: "x"}, "dated: Say which day"},
		{discussion.Brought{URL: "https://example.org", Text: "x", Dated: "2026-11-21", Description: strings.Repeat("x", 501)}, "description: Keep"},
		{discussion.Brought{URL: "https://example.org", Text: "x", Dated: "2026-11-21", Choice: "nonsense"}, "supports: Choose"},
	} {
		_, err := h.talk.AddLink(t.Context(), h.mika, discussion.OnQuestion, h.question, c.in)
		h.wants(c.words, err, fault.Invalid, c.words)
	}
	_, err := h.talk.AddLink(t.Context(), h.mika, discussion.OnQuestion, h.question, discussion.Brought{
		URL: "https://example.org", Text: "The drill", Dated: "2025-11-20", Choice: choice, Description: "Two hours."})
	h.fine("link", err)
	talk = h.read(h.mika)
	if len(talk.Evidence) != 1 || !talk.Evidence[0].Stale(h.clock) || !talk.Evidence[0].IsLink() || talk.Evidence[0].Choice != choice {
		t.Errorf("evidence: %+v", talk.Evidence)
	}
	for words, said := range map[string]string{"statement: Say in up to 200": " ", "up to 200 characters": strings.Repeat("x", 201)} {
		_, err = h.talk.AddStatement(t.Context(), h.mika, discussion.OnQuestion, h.question, discussion.Brought{Statement: said, Dated: "2026-11-20"})
		h.wants(words, err, fault.Invalid, words)
	}
	_, err = h.talk.AddStatement(t.Context(), h.mika, discussion.OnQuestion, h.question, discussion.Brought{Statement: "x", Dated: "2026-11-22"})
	h.wants("a day to come", err, fault.Invalid, "cannot be after today")
	stated, err := h.talk.AddStatement(t.Context(), h.mika, discussion.OnQuestion, h.question, discussion.Brought{Statement: "We restored the ledger\x00 by hand.", Dated: "2025-11-20"})
	h.fine("state", err)
	talk = h.read(h.mika)
	if a := talk.Evidence[1]; !a.IsStatement() || a.IsLink() || !a.Stale(h.clock) || a.Name != "We restored the ledger by hand." || a.Adder == "" {
		t.Errorf("stated: %+v", a)
	}
	_, _, err = h.talk.File(t.Context(), h.mika, stated)
	h.wants("a statement has no file", err, fault.NotFound, "no such file")
	_, err = h.talk.RemoveAttachment(t.Context(), h.mika, stated)
	h.fine("take it back", err)
	_, err = h.talk.AddFile(t.Context(), h.mika, discussion.OnQuestion, h.question, "a.txt", make([]byte, discussion.MaxFile+1), discussion.Brought{Dated: "2026-11-21"})
	h.wants("too large", err, fault.Invalid, "larger than 10 MB")
	_, err = h.talk.AddFile(t.Context(), h.mika, discussion.OnQuestion, h.question, "a.txt", bytes.Repeat([]byte("x"), discussion.MaxFile), discussion.Brought{Dated: "2026-11-21"})
	h.fine("10 MB", err)
	elsewhere, err := h.talk.Start(t.Context(), h.mika, discussion.OnItem, h.item, body("x"))
	h.fine("start", err)
	for _, thread := range []string{uuid.NewString(), "x", elsewhere.String()} {
		_, err = h.talk.AddFile(t.Context(), h.mika, discussion.OnQuestion, h.question, "a.txt", []byte("x"), discussion.Brought{Dated: "2026-11-21", Thread: thread})
		h.wants("in a thread of elsewhere", err, fault.NotFound, "thread")
	}
	thread, _ := h.start(h.vera, body("x"))
	_, err = h.talk.AddFile(t.Context(), h.mika, discussion.OnQuestion, h.question, "a.txt", []byte("x"), discussion.Brought{Dated: "2026-11-21", Thread: thread.String()})
	h.fine("in a thread", err)
	if one := h.thread(h.vera, thread); len(one.Files) != 1 || one.Files[0].MayRemove {
		t.Errorf("files of the thread: %+v", one.Files)
	}
	for range discussion.MaxAttachments - 3 {
		_, err = h.talk.AddFile(t.Context(), h.mika, discussion.OnQuestion, h.question, "a.txt", []byte("x"), discussion.Brought{Dated: "2026-11-21"})
		h.fine("up to 20", err)
	}
	_, err = h.talk.AddFile(t.Context(), h.mika, discussion.OnQuestion, h.question, "a.txt", []byte("x"), discussion.Brought{Dated: "2026-11-21"})
	h.wants("the 21st", err, fault.Invalid, "file: There are 20")
	_, err = h.talk.AddLink(t.Context(), h.mika, discussion.OnQuestion, h.question, discussion.Brought{Dated: "2026-11-21", URL: "https://example.org", Text: "x"})
	h.wants("the 21st", err, fault.Invalid, "url: There are 20")
}

// TestAttachmentsAreFrozen: what was there at submission stays while it waits, and for good
// once it is decided.
func TestAttachmentsAreFrozen(t *testing.T) {
	h := newHouse(t, false)
	add := func() (uuid.UUID, error) {
		return h.talk.AddFile(t.Context(), h.mika, discussion.OnQuestion, h.question, "a.txt", []byte("x"), discussion.Brought{Dated: "2026-11-21"})
	}
	dropped, err := add()
	h.fine("add", err)
	_, err = h.talk.RemoveAttachment(t.Context(), h.vera, dropped)
	h.wants("outsider", err, fault.Forbidden, "Only who brought it or a lead of Ledger")
	_, err = h.talk.RemoveAttachment(t.Context(), h.asha, dropped)
	h.fine("a lead removes", err)
	_, err = h.talk.RemoveAttachment(t.Context(), h.asha, dropped)
	h.wants("twice", err, fault.Conflict, "removed already, by Asha Rao")
	_, _, err = h.talk.File(t.Context(), h.mika, dropped)
	h.wants("its bytes", err, fault.NotFound, "removed by Asha Rao")
	kept, err := add()
	h.fine("add", err)

	h.clock = h.clock.Add(time.Hour)
	h.submit()
	_, err = add()
	h.wants("add to a submitted round", err, fault.Conflict, "This round is submitted")
	_, err = h.talk.RemoveAttachment(t.Context(), h.mika, kept)
	h.wants("remove from a submitted round", err, fault.Conflict, "This round is submitted")
	if talk := h.read(h.mika); talk.MayAttach || !strings.Contains(talk.WhyNotAttach, "submitted") || talk.Evidence[1].MayRemove {
		t.Errorf("the page offers what is frozen: %+v", talk)
	}
	if _, err := h.db.Exec(t.Context(), `update attachments set description = 'x' where id = $1`, kept); err == nil {
		t.Error("the database lets an attachment of a submitted round change")
	}
	h.seal()
	h.clock = h.clock.Add(time.Hour)
	_, err = h.talk.RemoveAttachment(t.Context(), h.mika, kept)
	h.fine("remove in the next round", err)
	if _, data, err := h.talk.File(t.Context(), h.mika, kept); err != nil || string(data) != "x" {
		t.Errorf("the record of the decided round lost its file: %v", err)
	}
	if _, err := h.db.Exec(t.Context(), `update attachments set content = null where id = $1`, kept); err == nil {
		t.Error("the database lets the bytes of a decided round go")
	}
	_, err = add()
	h.fine("add to the next round", err)
	if n := h.count(`select count(*) from audit_records where verb like 'attachment.%'`); n != 5 {
		t.Errorf("%d acts are recorded, want 5", n)
	}
}

func TestUnknownFiles(t *testing.T) {
	h := newHouse(t, true)
	id, err := h.talk.AddFile(t.Context(), h.mika, discussion.OnItem, h.item, "a.txt", []byte("x"), discussion.Brought{Dated: "2026-11-21"})
	h.fine("add", err)
	link, err := h.talk.AddLink(t.Context(), h.mika, discussion.OnItem, h.item, discussion.Brought{Dated: "2026-11-21", URL: "https://example.org", Text: "x"})
	h.fine("link", err)
	_, _, err = h.talk.File(t.Context(), h.vera, id)
	h.wants("outsider", err, fault.NotFound, "")
	_, _, err = h.talk.File(t.Context(), h.mika, link)
	h.wants("a link", err, fault.NotFound, "no such file")
	_, _, err = h.talk.File(t.Context(), h.mika, uuid.New())
	h.wants("unknown", err, fault.NotFound, "no such file")
	_, err = h.talk.RemoveAttachment(t.Context(), h.mika, uuid.New())
	h.wants("unknown", err, fault.NotFound, "no such file")
	_, err = h.talk.RemoveAttachment(t.Context(), h.vera, id)
	h.wants("outsider", err, fault.NotFound, "")
}
