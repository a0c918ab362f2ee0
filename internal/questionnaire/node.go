package questionnaire

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// kind is what a node of a file is.
type kind int

const (
	kindBad kind = iota // a value that could not be read and is already reported
	kindObject
	kindList
	kindText
	kindNumber
	kindBool
	kindNull
)

func (k kind) String() string {
	switch k {
	case kindObject:
		return "a group of keys"
	case kindList:
		return "a list"
	case kindText:
		return "a text"
	case kindNumber:
		return "a number"
	case kindBool:
		return "true or false"
	case kindNull:
		return "empty"
	default:
		return "unreadable"
	}
}

// node is one value of a YAML or JSON file with its place. Both readers make this tree,
// so that one decoder serves both.
type node struct {
	kind   kind
	text   string // of a text: its value; of a number or bool: its spelling
	raw    string // of a JSON text: what stands between the quotes
	line   string // of a YAML text on one line: the line it begins on
	at     place
	first  place // of a YAML text on one line: place of its first character
	fields []field
	items  []*node
}

// field is one member of an object, in the order of the file.
type field struct {
	key   string
	at    place
	value *node
}

// placeOf returns the place in the file of the byte at the offset of a text. Where the
// text stands folded or escaped in YAML, it is the place where the text begins.
func (n *node) placeOf(offset int) place {
	if n.line != "" && strings.HasPrefix(afterRunes(n.line, n.first.column-1), n.text) {
		return place{n.first.line, n.first.column + utf8.RuneCountInString(n.text[:offset])}
	}
	if n.raw == "" {
		return n.at
	}
	column, decoded := n.at.column+1, 0
	for i := 0; i < len(n.raw) && decoded < offset; {
		width, size := rawWidth(n.raw[i:])
		i += width
		decoded += size
		column += utf8.RuneCountInString(n.raw[i-width : i])
	}
	return place{n.at.line, column}
}

// rawWidth returns the bytes that the first character of a JSON text takes in the file
// and once decoded.
func rawWidth(raw string) (width, size int) {
	if raw[0] != '\\' {
		_, size := utf8.DecodeRuneInString(raw)
		return size, size
	}
	if len(raw) < 6 || raw[1] != 'u' {
		return min(2, len(raw)), 1
	}
	r, width := unescapeUnicode(raw)
	if r < 0 {
		return 2, 1
	}
	return width, utf8.RuneLen(r)
}

// afterRunes returns s without its first n characters.
func afterRunes(s string, n int) string {
	for ; n > 0 && s != ""; n-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// at appends an index to a path.
func atIndex(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// quote shows a piece of a file in a message, cut when it is long.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "..."
	}
	return `"` + strings.ReplaceAll(s, "\n", " ") + `"`
}
