package discussion

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"image"
	_ "image/gif"  // so that a picture's head is read, not only its first bytes
	_ "image/jpeg" // the same
	_ "image/png"  // the same
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"orrery/internal/text"
)

// fileKind is a type that may be kept, and the endings a name may have for it.
type fileKind struct {
	media   string
	endings []string // the first is given to a name that has none of them
}

var (
	kindPDF  = fileKind{"application/pdf", []string{".pdf"}}
	kindPNG  = fileKind{"image/png", []string{".png"}}
	kindJPEG = fileKind{"image/jpeg", []string{".jpg", ".jpeg"}}
	kindGIF  = fileKind{"image/gif", []string{".gif"}}
	kindWebP = fileKind{"image/webp", []string{".webp"}}
	kindZip  = fileKind{"application/zip", []string{".zip"}}
	kindDocx = fileKind{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", []string{".docx"}}
	kindXlsx = fileKind{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", []string{".xlsx"}}
	kindJSON = fileKind{"application/json", []string{".json"}}
	kindCSV  = fileKind{"text/csv", []string{".csv"}}
	kindMD   = fileKind{"text/markdown", []string{".md", ".markdown"}}
	kindText = fileKind{"text/plain", []string{".txt", ".log"}}
)

// The sentences for what is not kept.
const (
	noKind = "This type of file is not kept. Bring a PDF, a PNG, JPEG, GIF or WebP picture, text (txt, md, csv, log), JSON, a zip, or a docx or xlsx without macros."
	noPage = "This file holds HTML, SVG or a script, which a browser could run, so it is not kept. Put it into a zip, or bring a picture of it."
	noCode = "This file holds a program or macros, so it is not kept."
	torn   = "This file is not whole, so it is not kept. Open it once yourself, and try again."
)

// heads are the first bytes of the kinds that have some.
var heads = []struct {
	head string
	kind fileKind
}{
	{"%PDF-", kindPDF}, {"\x89PNG\r\n\x1a\n", kindPNG}, {"\xff\xd8\xff", kindJPEG}, {"GIF87a", kindGIF}, {"GIF89a", kindGIF},
	{"PK\x03\x04", kindZip},
}

// sniff decides by its content what a file is; the name only chooses among kinds of text. It
// returns why it is not kept, or an empty sentence. A file that begins as one kind and holds
// a page a browser might run in its first part is not kept either.
func sniff(data []byte, name string) (kind fileKind, why string) {
	for _, h := range heads {
		if bytes.HasPrefix(data, []byte(h.head)) {
			kind = h.kind
		}
	}
	if bytes.HasPrefix(data, []byte("RIFF")) && len(data) > 16 && string(data[8:12]) == "WEBP" {
		kind = kindWebP
	}
	switch kind.media {
	case "":
		return sniffText(data, name)
	case kindZip.media:
		return sniffZip(data)
	case kindPNG.media, kindJPEG.media, kindGIF.media:
		if _, _, err := image.DecodeConfig(bytes.NewReader(data)); err != nil {
			return kind, torn
		}
	}
	if holdsPage(data) {
		return kind, noPage
	}
	return kind, ""
}

// sniffed is how much of a file is searched for a page; browsers look at less.
const sniffed = 4096

var pageMarks = []string{"<!doctype html", "<html", "<svg", "<script", "<body", "<iframe", "<?xml", "<head>"}

// holdsPage reports whether the first part of a file that is no text holds what a browser
// takes for a page. The XML of a picture's or PDF's own notes (<?xpacket) is none.
func holdsPage(data []byte) bool {
	head := strings.ToLower(string(data[:min(len(data), sniffed)]))
	return slices.ContainsFunc(pageMarks, func(mark string) bool {
		return mark != "<?xml" && strings.Contains(head, mark)
	})
}

// sniffText tells kinds of text apart. It is UTF-8 without control characters.
func sniffText(data []byte, name string) (fileKind, string) {
	body := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) || bytes.ContainsFunc(body, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\f\x1b", r) // logs colour their lines by escape
	}) {
		return fileKind{}, noKind
	}
	if bytes.HasPrefix(body, []byte("#!")) || bytes.HasPrefix(body, []byte("%!")) {
		return fileKind{}, noCode
	}
	for line := range strings.Lines(strings.ToLower(string(body[:min(len(body), sniffed)]))) {
		line = strings.TrimLeftFunc(line, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
		if slices.ContainsFunc(pageMarks, func(mark string) bool { return strings.HasPrefix(line, mark) }) {
			return fileKind{}, noPage
		}
	}
	if start := bytes.TrimSpace(body); bytes.HasPrefix(start, []byte("<!--")) {
		return fileKind{}, noPage // a comment before a page
	}
	switch ending := strings.ToLower(path.Ext(name)); {
	case slices.Contains([]string{".htm", ".html", ".xhtml", ".svg", ".xml", ".js", ".mjs", ".vbs", ".hta"}, ending):
		return fileKind{}, noPage
	case slices.Contains([]string{".sh", ".bat", ".cmd", ".ps1", ".com", ".exe", ".scr", ".reg", ".desktop"}, ending):
		return fileKind{}, noCode
	case ending == ".json" && json.Valid(body):
		return kindJSON, ""
	case slices.Contains(kindCSV.endings, ending):
		return kindCSV, ""
	case slices.Contains(kindMD.endings, ending):
		return kindMD, ""
	}
	return kindText, ""
}

// sniffZip reads the directory of an archive; nothing is unpacked. An archive whose bytes do
// not begin with its first file is something else in disguise and never comes here.
func sniffZip(data []byte) (fileKind, string) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return kindZip, torn
	}
	has := map[string]bool{}
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		has[name] = true
		if strings.HasSuffix(name, "vbaproject.bin") || strings.HasSuffix(name, ".class") || name == "androidmanifest.xml" || name == "classes.dex" {
			return kindZip, noCode
		}
	}
	if holdsPage(data[:min(len(data), 64)]) {
		return kindZip, noPage
	}
	switch office := has["[content_types].xml"]; {
	case office && has["word/document.xml"]:
		return kindDocx, ""
	case office && has["xl/workbook.xml"]:
		return kindXlsx, ""
	}
	return kindZip, ""
}

// cleanName makes a name that is safe to offer: one line without a folder, with an ending
// that fits the kind.
func cleanName(name string, kind fileKind) string {
	name = strings.ReplaceAll(text.Line(name), `\`, "/")
	name = name[strings.LastIndex(name, "/")+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	ending := strings.ToLower(path.Ext(name))
	if !slices.Contains(kind.endings, ending) {
		ending = kind.endings[0]
	} else {
		name = name[:len(name)-len(ending)]
	}
	if name == "" {
		name = "file"
	}
	if r := []rune(name); len(r) > 120 {
		name = string(r[:120])
	}
	return name + ending
}
