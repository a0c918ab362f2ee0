package tagged

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"
)

func drawn(t *testing.T) []byte {
	t.Helper()
	pdf := fpdf.New("P", "pt", "A4", "")
	pdf.AddPage()
	pdf.SetFont("Helvetica", "", 12)
	pdf.Text(10, 10, "endobj and 7 0 obj are words here")
	var b bytes.Buffer
	if err := pdf.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParseTakesAFileApart(t *testing.T) {
	f, err := parse(drawn(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(f.objects[f.root], []byte("/Type /Catalog")) || !bytes.Contains(f.objects[f.info], []byte("/CreationDate")) {
		t.Errorf("root is %q, info is %q", f.objects[f.root], f.objects[f.info])
	}
	for n, o := range f.objects[1:] {
		if len(o) == 0 || bytes.HasSuffix(o, []byte("endobj")) || bytes.HasPrefix(o, []byte("1 0 obj")) {
			t.Errorf("object %d is %q", n+1, o)
		}
	}
	if pages, err := pageObjects(f); err != nil || !slices.Equal(pages, []int{3}) {
		t.Errorf("pages are %v, %v", pages, err)
	}
}

func TestParseRefusesOtherFiles(t *testing.T) {
	whole := string(drawn(t))
	for name, file := range map[string]string{
		"nothing":       "",
		"no end":        whole[:len(whole)-40],
		"cut short":     whole[100:],
		"no root":       strings.Replace(whole, "/Root", "/Toor", 1),
		"no size":       strings.Replace(whole, "/Size", "/Ezis", 1),
		"wrong place":   strings.Replace(whole, "startxref\n", "startxref\n9", 1),
		"too many":      strings.Replace(whole, "/Size ", "/Size 9", 1),
		"not an object": strings.Replace(whole, "3 0 obj", "3 0 job", 1),
		"root too high": strings.Replace(whole, "/Root ", "/Root 9", 1),
		"no frame":      strings.Replace(whole, "endobj", "endjob", 1),
	} {
		if _, err := parse([]byte(file)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	pdf := fpdf.New("P", "pt", "A4", "")
	pdf.AddPage()
	var b bytes.Buffer
	if err := pdf.Output(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if file, err := parse(b); err == nil && (file.root == 0 || len(file.objects) == 0) {
			t.Errorf("accepted a file without objects")
		}
	})
}

func TestPlainStreamsAreFound(t *testing.T) {
	for object, want := range map[string]string{
		"<</Length 3>>\nstream\nabc\nendstream":                      "abc",
		"<</Length 9>>\nstream\nendstream\nendstream":                "endstream",
		"<</Filter /FlateDecode /Length 3>>\nstream\nabc\nendstream": "",
		"<</Length 30>>\nstream\nabc\nendstream":                     "",
		"<</Length 99999999999999999999>>\nstream\nabc\nendstream":   "",
		"<</Type /Page>>": "",
	} {
		got, ok := plainStream([]byte(object))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%q gave %q, %v", object, got, ok)
		}
	}
}

func TestOutlineIsATree(t *testing.T) {
	o := newOutline([]bookmark{{level: 0}, {level: 1}, {level: 1}, {level: 2}, {level: 0}, {level: 1}, {level: 5}})
	if want := []int{-1, 0, 0, 2, -1, 4, 5}; !slices.Equal(o.parent, want) {
		t.Errorf("parents are %v, want %v", o.parent, want)
	}
	if !slices.Equal(o.children[0], []int{1, 2}) || !slices.Equal(o.children[-1], []int{0, 4}) {
		t.Errorf("children are %v", o.children)
	}
}

func TestStringsAreEncodedSafely(t *testing.T) {
	if got := encodeASCII("a(b)\\c\u00e9\n\x00~"); got != `(a\(b\)\\c~)` {
		t.Errorf("ASCII is %s", got)
	}
	if got := encodeText("A\U0001F44D\xff"); got != "<FEFF0041D83DDC4DFFFD>" {
		t.Errorf("text is %s", got)
	}
}
