package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"orrery/internal/report/tagged/taggedtest"
)

// names are people as they write themselves.
var names = []string{
	"Łukasz Żółć", "Nguyễn Thị Hồng Đào", "Ελένη Παπαδοπούλου", "Ольга Щербакова", "山田太郎", "すずき メイ", "李小龙", "陳國榮", "김민수",
}

func TestNamesArePrintedAsPeopleWriteThem(t *testing.T) {
	in := decided()
	for i := range in.Snapshot.Sections { // without what no typeface has
		for j := range in.Snapshot.Sections[i].Questions {
			q := &in.Snapshot.Sections[i].Questions[j]
			q.Title, q.Notes, q.AnsweredBy = "Who is on call?", "Ask **"+strings.Join(names, "**, *")+"*.", names[(i+j)%len(names)]
		}
	}
	in.Snapshot.Workload.Name = "決済 Payments 결제"
	in.Seal.Decision.DecidedBy = strings.Join(names, ", ")
	var b bytes.Buffer
	if err := PDF(&b, in); err != nil {
		t.Fatal(err)
	}
	text := said(taggedtest.Read(t, b.Bytes()))
	wantSaid(t, text, names...)
	wantSaid(t, text, in.Snapshot.Workload.Name)
	if strings.Contains(text, "in no typeface of this document") {
		t.Error("the cover says that letters are missing")
	}
	if b.Len() > 700_000 {
		t.Errorf("the report has %d bytes: a whole typeface is in it", b.Len())
	}
	copied := copyText(t, b.Bytes())
	wantSaid(t, copied, names...)
	if strings.Contains(copied, "□□") {
		t.Error("a name is printed as boxes")
	}
}

// copyText is what another program finds in the document.
func copyText(t *testing.T, file []byte) string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Fatal("pdftotext is not installed; make test installs it (Debian package poppler-utils)")
	}
	path := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return flat(string(out))
}

func TestTheCoverSaysThatLettersAreMissing(t *testing.T) {
	const words = "Some letters of this record are in no typeface of this document"
	in := decided()
	in.Extent = ReadoutOnly
	wantSaid(t, said(pdf(t, in)), words) // of a name in Arabic
	in = long(12)
	if strings.Contains(said(pdf(t, in)), words) {
		t.Error("it says so of a record in English")
	}
	in.Snapshot.Workload.Team = "שרה"
	wantSaid(t, said(pdf(t, in)), words, "שרה")
}
