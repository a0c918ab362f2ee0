package questionnaire

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"
)

// Parse reads a questionnaire from YAML or JSON, told apart by the content: what begins
// with a brace is JSON. JSON with a list of sections is our own format, other JSON an
// AWS custom lens. The name is the file's; an AWS lens takes its key from it.
//
// On failure the error is Problems: all of them, each with its path and place, warnings
// among them. Warnings alone refuse nothing; Lint returns them.
func Parse(name string, data []byte) (*Questionnaire, error) {
	r := &reporter{}
	q := parse(r, name, data)
	problems := r.sorted()
	if problems.hasErrors() {
		return nil, problems
	}
	q.source = bytes.Clone(data)
	q.warnings = problems
	q.index()
	return q, nil
}

// parse returns nil only after an error was reported.
func parse(r *reporter, name string, data []byte) *Questionnaire {
	if count := utf8.RuneCount(data); count > maxFile {
		r.fail("", place{}, "too-large", "Split it into several sets.", "The file has %d characters; at most %d are allowed.", count, maxFile)
		return nil
	}
	if at, ok := invalidUTF8(data); ok {
		r.fail("", at, "invalid-utf8", "Save the file as UTF-8.", "The file is not UTF-8 text.")
		return nil
	}
	if rest, ok := bytes.CutPrefix(data, []byte("\uFEFF")); ok {
		r.warn("", place{1, 1}, "byte-order-mark", "Save the file without one.", "The file begins with a byte order mark.")
		data = rest
	}
	var root *node
	start := bytes.TrimLeft(data, " \t\r\n")
	isJSON := len(start) > 0 && (start[0] == '{' || start[0] == '[')
	if isJSON {
		root = readJSON(r, string(data))
	} else {
		root = readYAML(r, data)
	}
	if root == nil {
		return nil
	}
	if isJSON && !hasKey(root, "sections") {
		d := &decoder{reporter: r}
		return d.lens(root, name)
	}
	d := &decoder{reporter: r, strict: true}
	return d.own(root)
}

func hasKey(n *node, key string) bool {
	for _, f := range n.fields {
		if f.key == key {
			return true
		}
	}
	return false
}

// invalidUTF8 returns the place of the first byte that is not UTF-8.
func invalidUTF8(data []byte) (place, bool) {
	if utf8.Valid(data) {
		return place{}, false
	}
	at := place{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		at.column++
		if r == '\n' {
			at = place{at.line + 1, 1}
		}
		data = data[size:]
	}
	return at, true
}

// keyFrom makes the key of a set from a file's name.
func keyFrom(name string) string {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	base = strings.ToLower(strings.TrimSuffix(base, path.Ext(base)))
	words := strings.FieldsFunc(base, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	key := strings.Join(words, "-")
	if len(key) > 40 {
		key = strings.TrimRight(key[:40], "-")
	}
	if !keyPattern.MatchString(key) {
		return "lens"
	}
	return key
}
