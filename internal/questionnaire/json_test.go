package questionnaire

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// value is what encoding/json would make of a node.
func (n *node) value() any {
	switch n.kind {
	case kindObject:
		out := make(map[string]any)
		for _, f := range n.fields {
			out[f.key] = f.value.value()
		}
		return out
	case kindList:
		out := make([]any, 0, len(n.items))
		for _, item := range n.items {
			out = append(out, item.value())
		}
		return out
	case kindNumber:
		f, _ := strconv.ParseFloat(n.text, 64)
		return f
	case kindBool:
		return n.text == "true"
	case kindNull:
		return nil
	default:
		return n.text
	}
}

func jsonValues() *rapid.Generator[any] {
	var level func(depth int) *rapid.Generator[any]
	level = func(depth int) *rapid.Generator[any] {
		leaf := rapid.OneOf(
			rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(),
			rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).AsAny(), rapid.Map(rapid.Int32(), func(i int32) any { return float64(i) }),
		)
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf, rapid.SliceOfN(level(depth-1), 0, 4).AsAny(), rapid.MapOfN(rapid.String(), level(depth-1), 0, 4).AsAny())
	}
	return level(3)
}

// TestReadJSON compares the reader with encoding/json on generated values, with and
// without white space and escapes.
func TestReadJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := jsonValues().Draw(t, "value")
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "indent") {
			if data, err = json.MarshalIndent(want, "\t", "  "); err != nil {
				t.Fatal(err)
			}
		}
		r := &reporter{}
		got := readJSON(r, string(data))
		if len(r.problems) > 0 {
			t.Fatalf("%s\n%v", data, r.problems)
		}
		if diff := cmp.Diff(want, got.value()); diff != "" {
			t.Fatalf("%s\n%s", data, diff)
		}
	})
}

func TestReadJSONProblems(t *testing.T) {
	tests := []struct {
		name, data string
		want       []string // path line:column code
	}{
		{"NaN goes on", `{"a": NaN, "b": Infinity, "c": -Infinity, "d": undefined}`,
			[]string{"a 1:7 syntax", "b 1:17 syntax", "c 1:32 syntax", "d 1:48 syntax"}},
		{"duplicate keys", "{\"a\": 1,\n \"\\u0061\": 2, \"b\": {\"x\": 1, \"x\": 2}}", []string{"a 2:2 duplicate-key", "b.x 2:29 duplicate-key"}},
		{"same key in two objects", `[{"a": 1}, {"a": 1}]`, nil},
		{"trailing comma", `{"a": [1,2,], "b": 1,}`, []string{"a 1:11 syntax", " 1:21 syntax"}},
		{"missing comma", `{"a": 1 "b": 2}`, []string{" 1:9 syntax"}},
		{"missing colon", `{"a" 1}`, []string{"a 1:6 syntax"}},
		{"single quotes", `{'a': 1}`, []string{" 1:2 syntax"}},
		{"comment", "{\n// hello\n\"a\": 1}", []string{" 2:1 syntax"}},
		{"end inside", `{"a": [`, []string{"a[0] 1:8 syntax"}},
		{"open text", `{"a": "x`, []string{"a 1:9 syntax"}},
		{"trailing data", "{} \n x", []string{" 2:2 trailing-data"}},
		{"raw line break", "{\"a\": \"x\ny\",\n\"b\": NaN}", []string{"a 1:9 syntax", "b 3:6 syntax"}},
		{"bad escape", `{"a": "\x41"}`, []string{"a 1:8 syntax"}},
		{"lone surrogate", `["\ud800", "\udc00", "\ud83d\ude00", "\ud83dx"]`, []string{"[0] 1:3 syntax", "[1] 1:13 syntax", "[3] 1:39 syntax"}},
		{"short escape", `["\u12"]`, []string{"[0] 1:3 syntax"}},
		{"numbers", `[01, 1., .5, 1e, +1, 0x10, 1e5, -0.5E-3]`,
			[]string{"[0] 1:2 syntax", "[1] 1:6 syntax", "[2] 1:10 syntax", "[3] 1:14 syntax", "[4] 1:18 syntax", "[5] 1:22 syntax"}},
		{"wide characters", "{\"é€😀\": \"é€😀\", \"b\": NaN}", []string{"b 1:21 syntax"}},
		{"deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), []string{strings.Repeat("[0]", 64) + " 1:65 too-deep"}},
		{"deep enough", strings.Repeat("[", 64) + strings.Repeat("]", 64), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &reporter{}
			readJSON(r, test.data)
			if diff := cmp.Diff(test.want, places(r.sorted())); diff != "" {
				t.Errorf("%s\n%s", test.data, diff)
			}
		})
	}
}

// places writes problems as "path line:column code".
func places(problems []Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Path+" "+strconv.Itoa(p.Line)+":"+strconv.Itoa(p.Column)+" "+p.Code)
	}
	return out
}
