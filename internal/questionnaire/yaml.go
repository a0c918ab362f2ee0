package questionnaire

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds the nesting of a file and of a condition.
const maxDepth = 64

// readYAML reads one YAML document into a tree. Anchors, aliases, tags and further
// documents are refused; nil means that there is no tree.
func readYAML(r *reporter, data []byte) *node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			r.fail("", place{1, 1}, "empty", "", "The file is empty.")
			return nil
		}
		failYAML(r, data, err)
		return nil
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		r.fail("", place{more.Line, more.Column}, "trailing-data", "Keep one document in a file.",
			"The file holds a second document.")
	case !errors.Is(err, io.EOF):
		failYAML(r, data, err)
	}
	if len(document.Content) == 0 {
		r.fail("", place{1, 1}, "empty", "", "The file is empty.")
		return nil
	}
	y := yamlTree{reporter: r, lines: strings.Split(string(data), "\n")}
	return y.node(document.Content[0], "", 1)
}

// yamlMessage is how the YAML reader words a failure.
var yamlMessage = regexp.MustCompile(`^yaml: (?:line \d+: )?(.*)$`)

// failYAML reports a failure of the YAML reader. Its own line is where the enclosing
// block begins, so the file is fed to it again byte by byte to see how far it came.
func failYAML(r *reporter, data []byte, err error) {
	message := err.Error()
	if m := yamlMessage.FindStringSubmatch(message); m != nil {
		message = m[1]
	}
	one := &oneByte{data: data}
	decoder := yaml.NewDecoder(one)
	for {
		var n yaml.Node
		if decoder.Decode(&n) != nil {
			break
		}
	}
	read := bytes.TrimRight(data[:one.at], " \t\r\n")
	line := bytes.Count(read, []byte("\n")) + 1
	start := bytes.LastIndexByte(read, '\n') + 1
	text := read[start:]
	at := place{line, utf8.RuneCount(text) - utf8.RuneCount(bytes.TrimLeft(text, " \t")) + 1}
	switch {
	case strings.HasPrefix(message, "unknown anchor"):
		if name := strings.Split(message, "'"); len(name) > 1 {
			at = placeIn(data, bytes.Index(data, []byte("*"+name[1])), at)
		}
		r.fail("", at, "alias", "Write the value out, or put it in quotes when it is a text.", "Aliases are not allowed.")
		return
	case strings.HasPrefix(message, "exceeded max depth"):
		r.fail("", at, "too-deep", "", "The file nests more than %d levels deep.", maxDepth)
		return
	}
	r.fail("", at, "syntax", "Look at this line and the one before it: indentation, colons and quotes.",
		"This is not YAML: %s.", message)
}

// placeIn returns the place of an offset of the data, or the other place when the offset
// is negative.
func placeIn(data []byte, offset int, other place) place {
	if offset < 0 {
		return other
	}
	before := data[:offset]
	return place{bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1}
}

// oneByte is a reader that hands out one byte at a time.
type oneByte struct {
	data []byte
	at   int
}

func (o *oneByte) Read(p []byte) (int, error) {
	if o.at >= len(o.data) {
		return 0, io.EOF
	}
	p[0] = o.data[o.at]
	o.at++
	return 1, nil
}

// yamlTree turns the nodes of the YAML reader into ours.
type yamlTree struct {
	*reporter
	lines []string
}

func (y yamlTree) node(n *yaml.Node, path string, depth int) *node {
	at := place{n.Line, n.Column}
	bad := &node{kind: kindBad, at: at}
	switch {
	case depth > maxDepth:
		y.fail(path, at, "too-deep", "", "The file nests more than %d levels deep.", maxDepth)
		return bad
	case n.Kind == yaml.AliasNode:
		y.fail(path, at, "alias", "Write the value out.", "Aliases (%s) are not allowed.", quote("*"+n.Value))
		return bad
	case n.Anchor != "":
		y.fail(path, at, "anchor", "Write the value out where it is used.", "Anchors (%s) are not allowed.", quote("&"+n.Anchor))
		return bad
	case n.Style&yaml.TaggedStyle != 0:
		y.fail(path, at, "tag", "Take the tag away.", "Tags (%s) are not allowed.", quote(n.Tag))
		return bad
	}
	switch n.Kind {
	case yaml.MappingNode:
		return y.object(n, path, depth)
	case yaml.SequenceNode:
		list := &node{kind: kindList, at: at}
		for i, item := range n.Content {
			list.items = append(list.items, y.node(item, atIndex(path, i), depth+1))
		}
		return list
	default:
		return y.scalar(n)
	}
}

func (y yamlTree) object(n *yaml.Node, path string, depth int) *node {
	object := &node{kind: kindObject, at: place{n.Line, n.Column}}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := place{key.Line, key.Column}
		if key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 {
			y.fail(path, at, "bad-key", "Use a plain word as the key.", "A key is not a plain text.")
			continue
		}
		inner := join(path, quoteKey(key.Value))
		if seen[key.Value] {
			y.fail(inner, at, "duplicate-key", "Keep one of them.", "The key %s is written twice.", quote(key.Value))
			continue
		}
		seen[key.Value] = true
		object.fields = append(object.fields, field{key.Value, at, y.node(n.Content[i+1], inner, depth+1)})
	}
	return object
}

func (y yamlTree) scalar(n *yaml.Node) *node {
	out := &node{kind: kindText, text: n.Value, at: place{n.Line, n.Column}}
	switch n.Tag {
	case "!!null":
		out.kind = kindNull
	case "!!bool":
		out.kind = kindBool
	case "!!int", "!!float":
		out.kind = kindNumber
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		out.text = strings.TrimRight(out.text, "\n")
		return out
	}
	first := out.at
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		first.column++
	}
	if n.Line >= 1 && n.Line <= len(y.lines) {
		out.line, out.first = y.lines[n.Line-1], first
	}
	return out
}
