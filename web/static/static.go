// Package static holds what every page loads besides its HTML: one style
// sheet, one script, htmx, the icons and the brand mark. The files are part of
// the program and their addresses carry a hash of their content, so a browser
// may keep them for ever and a new program never meets an old file.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed files
var embedded embed.FS

// Prefix is the folder all addresses of this package stand in.
const Prefix = "/static/"

// sources names each served file and the embedded files it is made of, in
// order. The style sheet is written in several files and
// served as one request. Licences travel in the program and are not served.
var sources = []struct {
	name, mime string
	parts      []string
}{
	{"orrery.css", "text/css; charset=utf-8", []string{"tokens.css", "orrery.css", "parts.css", "answering.css", "modes.css"}},
	{"orrery.js", "text/javascript; charset=utf-8", []string{"orrery.js", "autosave.js", "keys.js"}},
	{"htmx.js", "text/javascript; charset=utf-8", []string{"htmx.min.js"}},
	{"icons.svg", "image/svg+xml", []string{"icons.svg"}},
	{"favicon.svg", "image/svg+xml", []string{"favicon.svg"}},
}

// asset is one served file, ready to be written.
type asset struct {
	mime           string
	plain, gzipped []byte
}

var (
	addresses = map[string]string{} // plain name to hashed address
	assets    = map[string]asset{}  // hashed address to content
)

func init() {
	for _, s := range sources {
		var body []byte
		for _, part := range s.parts {
			data, err := embedded.ReadFile("files/" + part)
			if err != nil {
				panic(fmt.Sprintf("static: %v", err)) // the program was built without its files
			}
			body = append(body, data...)
		}
		address := Prefix + hashedName(s.name, body)
		addresses[s.name] = address
		assets[address] = asset{mime: s.mime, plain: body, gzipped: compress(body)}
	}
}

// hashedName puts the first eight bytes of the content's SHA-256 before the
// extension: orrery.css becomes orrery.0123456789abcdef.css.
func hashedName(name string, body []byte) string {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
}

// compress returns the gzip form of body at the best ratio; it is paid once at
// start, not per request.
func compress(body []byte) []byte {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	if _, err := w.Write(body); err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	if err := w.Close(); err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	return buf.Bytes()
}

// Path returns the address of a file by its plain name ("orrery.css" gives
// "/static/orrery.<hash>.css"). A name that does not exist is a mistake in the
// program and panics.
func Path(name string) string {
	address, ok := addresses[name]
	if !ok {
		panic("static: no file is called " + strconv.Quote(name))
	}
	return address
}

// Handler serves the files at their hashed addresses; mount it at Prefix
// without stripping it. Answers may be kept for a year and never asked for
// again. Any other address is 404, any method but GET and HEAD 405.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.mime)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		body := a.plain
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = a.gzipped
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodHead {
			return
		}
		_, _ = w.Write(body) // the reader is gone: nobody is left to tell
	})
}

// acceptsGzip reports whether an Accept-Encoding header takes gzip (RFC 9110
// section 12.5.3): named, or covered by *, and not with a weight of zero.
func acceptsGzip(header string) bool {
	star := false
	for coding := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(coding, ";")
		weight := strings.TrimSpace(params)
		refused := strings.HasPrefix(weight, "q=0") && strings.Trim(weight[3:], ".0") == ""
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip":
			return !refused
		case "*":
			star = !refused
		}
	}
	return star
}
