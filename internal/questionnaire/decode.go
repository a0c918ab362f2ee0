package questionnaire

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxFile is how many characters a file may have.
const MaxFile = 500_000

// The limits of the formats, in characters or members. The AWS Well-Architected Tool's
// are documented in its user guide's lens format specification; the title's was measured.
const (
	maxFile    = MaxFile
	maxTitle   = 128
	maxText    = 2048
	maxAWSID   = 128
	maxOwnID   = 64 // also what the tool's UpdateAnswer takes for a choice
	maxChoices = 15
)

var (
	idPattern      = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	keyPattern     = regexp.MustCompile(`^[a-z0-9-]{2,40}$`)
	versionPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$`)
)

// decoder turns a tree into a questionnaire, collecting every problem on the way.
type decoder struct {
	*reporter
	strict bool // our own format: unknown keys and unclean addresses are errors
}

// object is an object of the tree with its path.
type object struct {
	d    *decoder
	n    *node
	path string
}

// object takes a node as an object that knows the keys. Another kind of node is
// reported and becomes an empty object that reports nothing more.
func (d *decoder) object(n *node, path string, known ...string) object {
	o := object{d, n, path}
	if n.kind != kindObject {
		d.badType(n, path, kindObject)
		o.n = nil
		return o
	}
	for _, f := range n.fields {
		if slices.Contains(known, f.key) {
			continue
		}
		inner := join(path, quoteKey(f.key))
		if !d.strict {
			d.warn(inner, f.at, "unknown-key", "", "The key %s is not part of the format; it is not kept when the file is edited.", quote(f.key))
			continue
		}
		mend := "Take it away."
		if near := nearest(f.key, known); near != "" {
			mend = "Did you mean " + near + "?"
		}
		d.fail(inner, f.at, "unknown-key", mend, "The key %s is not known here.", quote(f.key))
	}
	return o
}

func (d *decoder) badType(n *node, path string, want kind) {
	if n.kind == kindBad {
		return // reported where it was read
	}
	mend := ""
	if d.strict && want == kindText && (n.kind == kindNumber || n.kind == kindBool || n.kind == kindNull) {
		mend = "Put it in quotes."
	}
	d.fail(path, n.at, "bad-type", mend, "This should be %s and is %s.", want, n.kind)
}

// get returns the value of a key and its path; nil when the key is absent or null.
func (o object) get(key string) (*node, string) {
	path := join(o.path, key)
	if o.n == nil {
		return nil, path
	}
	for i := range o.n.fields {
		if f := &o.n.fields[i]; f.key == key {
			if f.value.kind == kindNull {
				return nil, path
			}
			return f.value, path
		}
	}
	return nil, path
}

func (o object) missing(key, what string) {
	if o.n != nil {
		o.d.fail(join(o.path, key), o.n.at, "missing", "", "%s is missing.", what)
	}
}

// text returns an optional text of at most max characters.
func (o object) text(key string, max int) string {
	n, path := o.get(key)
	if n == nil {
		return ""
	}
	return o.d.text(n, path, max)
}

// required returns a text that must be there and not be blank.
func (o object) required(key, what string, max int) string {
	n, path := o.get(key)
	if n == nil {
		o.missing(key, what)
		return ""
	}
	s := o.d.text(n, path, max)
	if n.kind == kindText && strings.TrimSpace(s) == "" {
		o.d.fail(path, n.at, "missing", "", "%s is empty.", what)
	}
	return s
}

// text takes a node as a text of at most max characters without control characters.
// Our own format also takes a whole number as it is written.
func (d *decoder) text(n *node, path string, max int) string {
	number := d.strict && n.kind == kindNumber && idPattern.MatchString(n.text)
	if n.kind != kindText && !number {
		d.badType(n, path, kindText)
		return ""
	}
	if count := utf8.RuneCountInString(n.text); count > max {
		d.fail(path, n.at, "too-long", "", "This has %d characters; at most %d are allowed.", count, max)
	}
	for i, r := range n.text {
		if r == 0 || d.strict && unicode.IsControl(r) && r != '\n' && r != '\t' {
			d.fail(path, n.placeOf(i), "bad-character", "Take it away.", "The character %U is not allowed in a text.", r)
			break
		}
	}
	return n.text
}

// texts returns an optional list of texts, none of them empty.
func (o object) texts(key string, most, max int) []string {
	nodes, path := o.list(key, 0, most, "entries")
	var out []string
	for i, n := range nodes {
		inner := atIndex(path, i)
		s := o.d.text(n, inner, max)
		if n.kind == kindText && strings.TrimSpace(s) == "" {
			o.d.fail(inner, n.at, "missing", "Take the entry away.", "An entry is empty.")
		}
		out = append(out, s)
	}
	return out
}

// list returns the nodes of a list; least above 0 means that it must be there.
func (o object) list(key string, least, most int, what string) ([]*node, string) {
	n, path := o.get(key)
	if n == nil {
		if least > 0 {
			o.missing(key, "The list of "+what)
		}
		return nil, path
	}
	if n.kind != kindList {
		o.d.badType(n, path, kindList)
		return nil, path
	}
	if count := len(n.items); count < least {
		o.d.fail(path, n.at, "too-few", "", "There are no %s; at least one is needed.", what)
	} else if count > most {
		o.d.fail(path, n.at, "too-many", "", "There are %d %s; at most %d are allowed.", count, what, most)
	}
	return n.items, path
}

// oneOf returns a text that must be one of the values; "" when it is absent.
func (o object) oneOf(key string, values ...string) string {
	n, path := o.get(key)
	if n == nil {
		return ""
	}
	if n.kind != kindText {
		o.d.badType(n, path, kindText)
		return ""
	}
	if !slices.Contains(values, n.text) {
		o.d.fail(path, n.at, "bad-value", "Use one of: "+strings.Join(values, ", ")+".", "%s is not known here.", quote(n.text))
		return ""
	}
	return n.text
}

// id returns an id that must be there, of 3 to max of [A-Za-z0-9_].
func (o object) id(key string, max int) string {
	n, path := o.get(key)
	if n == nil {
		o.missing(key, "The id")
		return ""
	}
	if n.kind != kindText && (!o.d.strict || n.kind != kindNumber) {
		o.d.badType(n, path, kindText)
		return ""
	}
	if len(n.text) < 3 || len(n.text) > max || !idPattern.MatchString(n.text) || n.text == "default" {
		o.d.fail(path, n.at, "bad-id", "", "The id %s is not 3 to %d letters, digits or underscores, or it is the reserved word default.", quote(n.text), max)
	}
	return n.text
}

// unique reports a second use of an id.
type unique map[string]string

func (u unique) add(d *decoder, id, path string, at place) {
	if id == "" {
		return
	}
	if first, ok := u[id]; ok {
		d.fail(path, at, "duplicate-id", "Give one of them another id.", "The id %s is already used at %s.", quote(id), first)
		return
	}
	u[id] = path
}

// quoteKey shows an odd key in a path so that the path stays one word.
func quoteKey(key string) string {
	if idPattern.MatchString(key) {
		return key
	}
	return quote(key)
}

// nearest returns the known word within two edits of a mistyped one, or "".
func nearest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(word, k); d < least && d < min(len(k), len(word)) {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace between two words;
// words longer than 40 bytes count as far apart.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 40
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
