package questionnaire

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// readJSON reads one JSON value into a tree with places, which encoding/json does not
// know. It is stricter than encoding/json: duplicate keys and lone surrogates are
// refused. Mistakes that leave the structure clear (NaN, a trailing comma, a duplicate
// key, a raw line break in a text) are reported and reading goes on; nil means that the
// structure was lost.
func readJSON(r *reporter, data string) *node {
	j := &jsonReader{reporter: r, data: data, line: 1}
	j.space()
	root := j.value("", 1)
	if j.lost {
		return nil
	}
	j.space()
	if j.at < len(j.data) {
		r.fail("", j.place(), "trailing-data", "Keep one JSON object in a file.", "There is something after the end of the JSON value.")
	}
	return root
}

// jsonReader stands at one byte of the data and knows its place.
type jsonReader struct {
	*reporter
	data  string
	at    int
	line  int
	start int  // offset where the line starts
	wide  int  // bytes on this line, up to at, that do not begin a character
	lost  bool // the structure was lost; nothing more is read
}

func (j *jsonReader) place() place { return place{j.line, j.at - j.start - j.wide + 1} }

func (j *jsonReader) peek() byte {
	if j.at < len(j.data) {
		return j.data[j.at]
	}
	return 0
}

func (j *jsonReader) space() {
	for j.at < len(j.data) {
		switch j.data[j.at] {
		case '\n':
			j.newline()
		case ' ', '\t', '\r':
			j.at++
		default:
			return
		}
	}
}

func (j *jsonReader) newline() {
	j.at++
	j.line, j.start, j.wide = j.line+1, j.at, 0
}

// stop reports that the structure is lost here.
func (j *jsonReader) stop(path, expected string) *node {
	if j.lost {
		return nil
	}
	j.lost = true
	found := "the end of the file"
	if j.at < len(j.data) {
		c, _ := utf8.DecodeRuneInString(j.data[j.at:])
		found = quote(string(c))
	}
	j.fail(path, j.place(), "syntax", "", "This is not JSON: expected %s and found %s.", expected, found)
	return nil
}

func (j *jsonReader) value(path string, depth int) *node {
	if depth > maxDepth {
		j.lost = true
		j.fail(path, j.place(), "too-deep", "", "The file nests more than %d levels deep.", maxDepth)
		return nil
	}
	at := j.place()
	switch c := j.peek(); {
	case c == '{':
		return j.object(path, depth)
	case c == '[':
		return j.list(path, depth)
	case c == '"':
		return j.text(path)
	case c == '-' && j.at+1 < len(j.data) && isDigit(j.data[j.at+1]) || isDigit(c):
		return j.number(path)
	case c == '-' || c == '+' || c == '.' || isIDByte(c):
		return j.word(path, at)
	}
	return j.stop(path, "a value")
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// word reads true, false or null; another word, such as NaN, is reported and skipped.
func (j *jsonReader) word(path string, at place) *node {
	begin := j.at
	for j.at < len(j.data) && (isIDByte(j.data[j.at]) || strings.IndexByte("+-.", j.data[j.at]) >= 0) {
		j.at++
	}
	switch word := j.data[begin:j.at]; word {
	case "true", "false":
		return &node{kind: kindBool, text: word, at: at}
	case "null":
		return &node{kind: kindNull, text: word, at: at}
	default:
		j.fail(path, at, "syntax", "Write a text in quotes, a number, or take the key away.", "This is not JSON: %s is not a value.", quote(word))
		return &node{kind: kindBad, at: at}
	}
}

// number reads a number by JSON's grammar.
func (j *jsonReader) number(path string) *node {
	begin, at := j.at, j.place()
	for j.at < len(j.data) && (isIDByte(j.data[j.at]) || strings.IndexByte("+-.", j.data[j.at]) >= 0) {
		j.at++
	}
	word := j.data[begin:j.at]
	if !jsonNumber(word) {
		j.fail(path, at, "syntax", "Write the number plainly.", "This is not JSON: %s is not a number.", quote(word))
		return &node{kind: kindBad, at: at}
	}
	return &node{kind: kindNumber, text: word, at: at}
}

func jsonNumber(s string) bool {
	digits := func() bool {
		n := len(s)
		s = strings.TrimLeft(s, "0123456789")
		return len(s) < n
	}
	s = strings.TrimPrefix(s, "-")
	if len(s) > 1 && s[0] == '0' && isDigit(s[1]) || !digits() {
		return false
	}
	if rest, ok := strings.CutPrefix(s, "."); ok {
		if s = rest; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}

func (j *jsonReader) list(path string, depth int) *node {
	list := &node{kind: kindList, at: j.place()}
	j.members(path, ']', func(i int) bool {
		item := j.value(atIndex(path, i), depth+1)
		if item == nil {
			return false
		}
		list.items = append(list.items, item)
		return true
	})
	if j.lost {
		return nil
	}
	return list
}

func (j *jsonReader) object(path string, depth int) *node {
	object := &node{kind: kindObject, at: j.place()}
	seen := make(map[string]bool)
	j.members(path, '}', func(int) bool {
		at := j.place()
		if j.peek() != '"' {
			j.stop(path, "a key in quotes")
			return false
		}
		key := j.text(path)
		if key == nil {
			return false
		}
		inner := join(path, quoteKey(key.text))
		j.space()
		if j.peek() != ':' {
			j.stop(inner, `":"`)
			return false
		}
		j.at++
		j.space()
		value := j.value(inner, depth+1)
		if value == nil {
			return false
		}
		if seen[key.text] {
			j.fail(inner, at, "duplicate-key", "Keep one of them.", "The key %s is written twice.", quote(key.text))
			return true
		}
		seen[key.text] = true
		object.fields = append(object.fields, field{key.text, at, value})
		return true
	})
	if j.lost {
		return nil
	}
	return object
}

// members reads the members of a list or object up to the closing sign.
func (j *jsonReader) members(path string, closing byte, member func(i int) bool) {
	j.at++
	j.space()
	for i := 0; j.peek() != closing; i++ {
		if !member(i) {
			return
		}
		j.space()
		if j.peek() == closing {
			break
		}
		comma := j.place()
		if j.peek() != ',' {
			j.stop(path, `"," or "`+string(closing)+`"`)
			return
		}
		j.at++
		j.space()
		if j.peek() == closing {
			j.fail(path, comma, "syntax", "Take it away.", "This is not JSON: a comma stands after the last member.")
		}
	}
	j.at++
}

// text reads a string. Where it has no escapes it shares the file's memory.
func (j *jsonReader) text(path string) *node {
	n := &node{kind: kindText, at: j.place()}
	j.at++
	begin, plain := j.at, true
	for {
		if j.at >= len(j.data) {
			return j.stop(path, "a closing quote")
		}
		switch c := j.data[j.at]; {
		case c == '"':
			n.raw = j.data[begin:j.at]
			j.at++
			n.text = n.raw
			if !plain {
				n.text = unescape(n.raw)
			}
			return n
		case c == '\\':
			plain = false
			j.escape(path)
		case c < ' ':
			j.fail(path, j.place(), "syntax", `Write it as an escape, such as \n or \t.`, "This is not JSON: the control character U+%04X stands in a text.", c)
			if c == '\n' {
				j.newline()
			} else {
				j.at++
			}
		default:
			if c&0xC0 == 0x80 {
				j.wide++
			}
			j.at++
		}
	}
}

// escape checks one escape and steps over it.
func (j *jsonReader) escape(path string) {
	rest := j.data[j.at:]
	switch {
	case len(rest) < 2:
		j.at++
	case rest[1] == 'u':
		r, width := unescapeUnicode(rest)
		if r < 0 {
			j.fail(path, j.place(), "syntax", `Write four hexadecimal digits, and both halves of a pair.`, `This is not JSON: the escape \u is not a character.`)
			width = 2
		}
		j.at += width
	case strings.IndexByte(`"\/bfnrt`, rest[1]) < 0:
		j.fail(path, j.place(), "syntax", "Write a backslash as two.", `This is not JSON: the escape %s is not known.`, quote(firstRunes(rest, 2)))
		j.at++
	default:
		j.at += 2
	}
}

func firstRunes(s string, n int) string { return s[:len(s)-len(afterRunes(s, n))] }

// unescapeUnicode decodes the \u escape, or pair of them, that s begins with. The
// character is -1 when it is malformed or half of a pair.
func unescapeUnicode(s string) (r rune, width int) {
	first, ok := hex4(s)
	if !ok {
		return -1, 2
	}
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	second, ok := hex4(s[6:])
	if !ok {
		return -1, 6
	}
	if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
		return r, 12
	}
	return -1, 6
}

// hex4 reads \uXXXX.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for i := 2; i < 6; i++ {
		if strings.IndexByte("0123456789abcdefABCDEF", s[i]) < 0 {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s[2:6], 16, 32)
	return rune(n), err == nil
}

// unescape decodes the text between two quotes. Malformed escapes, which are reported
// by then, stay as they are.
func unescape(raw string) string {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' || i+1 >= len(raw) {
			b.WriteByte(raw[i])
			i++
			continue
		}
		c := raw[i+1]
		if c == 'u' {
			if r, width := unescapeUnicode(raw[i:]); r >= 0 {
				b.WriteRune(r)
				i += width
				continue
			}
		}
		if k := strings.IndexByte("bfnrt", c); k >= 0 {
			c = "\b\f\n\r\t"[k]
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String()
}
