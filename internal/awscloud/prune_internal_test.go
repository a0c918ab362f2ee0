package awscloud

import (
	"encoding/json"
	"testing"
)

func FuzzPruned(f *testing.F) {
	for _, s := range []string{`{"a":null,"b":"","c":[],"d":{},"e":[null,{"f":[]}],"g":0,"h":false,"i":"x\"y\\","j":[1,"",2]}`, `[]`, `"x"`, `null`, `{"a":{"b":[{"c":"d"},{}]}}`, `-1.5e3`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return
		}
		src, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(pruneValue(v))
		if err != nil {
			t.Fatal(err)
		}
		got, next, some := pruned(nil, src, 0)
		if !some {
			got = []byte("null")
		}
		if string(got) != string(want) || next != len(src) {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	})
}
