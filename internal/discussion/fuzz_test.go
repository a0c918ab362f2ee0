package discussion

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSniff: whatever is sent, the answer is a kept kind with a safe name, or a sentence.
func FuzzSniff(f *testing.F) {
	for _, seed := range []string{"%PDF-1.7", "GIF89a<svg>", "PK\x03\x04", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "RIFF\x00\x00\x00\x00WEBPVP8 x", "#!/bin/sh", "<html>", "{}", "a,b"} {
		f.Add([]byte(seed), "a.json")
		f.Add([]byte(seed), `..\..\CON\x`+"\u202e.html")
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		kind, why := sniff(data, name)
		if why != "" {
			return
		}
		if kind.media == "" || len(kind.endings) == 0 {
			t.Fatalf("%q is kept as nothing", data)
		}
		start := strings.ToLower(strings.TrimSpace(string(data[:min(len(data), 512)])))
		for _, mark := range []string{"<html", "<svg", "<script", "<!doctype html"} {
			if strings.HasPrefix(start, mark) {
				t.Fatalf("a page is kept as %s", kind.media)
			}
		}
		clean := cleanName(name, kind)
		if !utf8.ValidString(clean) || strings.ContainsAny(clean, "/\\\"\n\r\x00<>") || strings.HasPrefix(clean, ".") || len([]rune(clean)) > 130 ||
			!slices.ContainsFunc(kind.endings, func(e string) bool { return strings.HasSuffix(strings.ToLower(clean), e) }) {
			t.Fatalf("%q became %q", name, clean)
		}
	})
}

// FuzzCalled: what is called is lower case, without the sign, each once.
func FuzzCalled(f *testing.F) {
	for _, seed := range []string{"@asha", `@"Asha Rao"`, "a@b", "(@x.)", "@@x", `@"`, "@" + strings.Repeat("x", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		names, locals := calledIn(body)
		for _, list := range [][]string{names, locals} {
			if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
				t.Fatalf("%q calls %q", body, list)
			}
			for _, word := range list {
				if strings.ContainsAny(word, "\"\n") {
					t.Fatalf("%q calls %q", body, word)
				}
			}
		}
	})
}
