package static

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, path, encoding string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	if encoding != "" {
		request.Header.Set("Accept-Encoding", encoding)
	}
	recorder := httptest.NewRecorder()
	Handler().ServeHTTP(recorder, request)
	return recorder.Result()
}

func content(t *testing.T, r *http.Response) []byte {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestPathCarriesTheHashOfTheContent(t *testing.T) {
	for _, s := range sources {
		pattern := regexp.MustCompile(`^/static/[a-z]+\.[0-9a-f]{16}\.(css|js|svg)$`)
		if !pattern.MatchString(Path(s.name)) {
			t.Errorf("Path(%q) = %q, want %v", s.name, Path(s.name), pattern)
		}
	}
	if hashedName("a.css", []byte("x")) == hashedName("a.css", []byte("y")) {
		t.Error("two contents have one address")
	}
}

func TestPathPanicsForANameThatDoesNotExist(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Path gave an address for a file that does not exist")
		}
	}()
	Path("missing.css")
}

func TestHandlerServesEachFile(t *testing.T) {
	for _, s := range sources {
		plain := get(t, http.MethodGet, Path(s.name), "")
		if plain.StatusCode != http.StatusOK || plain.Header.Get("Content-Type") != s.mime {
			t.Errorf("%s: %d %s", s.name, plain.StatusCode, plain.Header.Get("Content-Type"))
		}
		if got := plain.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", s.name, got)
		}
		if plain.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: headers %v", s.name, plain.Header)
		}
		body := content(t, plain)
		var want []byte
		for _, part := range s.parts {
			data, err := embedded.ReadFile("files/" + part)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, data...)
		}
		if !bytes.Equal(body, want) {
			t.Errorf("%s: served %d bytes, the files have %d", s.name, len(body), len(want))
		}

		packed := get(t, http.MethodGet, Path(s.name), "br, gzip;q=0.8")
		if packed.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: not compressed", s.name)
		}
		reader, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(unpacked, body) {
			t.Errorf("%s: unpacks to %d bytes, %v", s.name, len(unpacked), err)
		}

		head := get(t, http.MethodHead, Path(s.name), "")
		if head.StatusCode != http.StatusOK || len(content(t, head)) != 0 || head.ContentLength != int64(len(body)) {
			t.Errorf("%s: HEAD %d with length %d", s.name, head.StatusCode, head.ContentLength)
		}
	}
}

func TestHandlerRefuses(t *testing.T) {
	for _, path := range []string{"/static/", "/static/orrery.css", "/static/files/orrery.css", "/static/orrery.0000000000000000.css",
		"/static/htmx.LICENSE.txt", "/static/../static.go", "/orrery.css"} {
		if got := get(t, http.MethodGet, path, "").StatusCode; got != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, got)
		}
	}
	post := get(t, http.MethodPost, Path("orrery.css"), "")
	if post.StatusCode != http.StatusMethodNotAllowed || post.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", post.StatusCode, post.Header.Get("Allow"))
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "br": false, "br, gzip": true, "gzip;q=0": false, "gzip; q=0.0": false, "gzip;q=0.001": true,
		"*": true, "*;q=0": false, "gzip;q=0, *": false, "identity": false, "xgzip": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", header, got, want)
		}
	}
}

// Pages stand under a policy that allows nothing from elsewhere and no eval.
func TestFilesAskForNothingFromElsewhere(t *testing.T) {
	style := content(t, get(t, http.MethodGet, Path("orrery.css"), ""))
	for _, word := range []string{"@import", "url(", "http:", "https:"} {
		if bytes.Contains(style, []byte(word)) {
			t.Errorf("the style sheet has %s", word)
		}
	}
	script := content(t, get(t, http.MethodGet, Path("orrery.js"), ""))
	for _, word := range []string{"eval(", "new Function", "innerHTML", ".style."} {
		if bytes.Contains(script, []byte(word)) {
			t.Errorf("the script has %s", word)
		}
	}
}

func TestStyleSheetIsWhole(t *testing.T) {
	style := string(content(t, get(t, http.MethodGet, Path("orrery.css"), "")))
	style = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(style, "")
	if open, closed := strings.Count(style, "{"), strings.Count(style, "}"); open != closed {
		t.Errorf("%d braces open, %d close", open, closed)
	}
	used := regexp.MustCompile(`var\((--[a-z0-9-]+)`).FindAllStringSubmatch(style, -1)
	for _, name := range used {
		if !strings.Contains(style, "\n  "+name[1]+":") {
			t.Errorf("%s is used and never given a value", name[1])
		}
	}
	if len(used) == 0 {
		t.Error("no custom property is used")
	}
}

func TestDrawingsAreXML(t *testing.T) {
	for _, name := range []string{"icons.svg", "favicon.svg"} {
		decoder := xml.NewDecoder(bytes.NewReader(content(t, get(t, http.MethodGet, Path(name), ""))))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// The first page costs a new visitor at most 100 KB; these files are most of it.
func TestFilesAreSmall(t *testing.T) {
	total := 0
	for _, a := range assets {
		total += len(a.gzipped)
	}
	if total > 40_000 {
		t.Errorf("the files weigh %d bytes compressed, want at most 40000", total)
	}
	t.Logf("%d bytes compressed", total)
}
