// Package views holds the pages: templ components with typed props that ask nobody anything.
package views

import (
	"bytes"
	"context"
	"html"
	"io"

	"github.com/a-h/templ"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM))

// allowed is what a note may become: text, lists, tables, code and links. No pictures: they
// would tell another host who reads; no headings of the page's own ranks either way.
var allowed = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "ul", "ol", "li", "blockquote", "em", "strong", "del", "code", "pre",
		"table", "thead", "tbody", "tr", "th", "td", "h3", "h4", "h5", "h6")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AllowRelativeURLs(true)
	return p
}()

// Markdown shows what a person wrote, as safe HTML.
func Markdown(source string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b bytes.Buffer
		if err := markdown.Convert([]byte(source), &b); err != nil {
			_, err = io.WriteString(w, "<pre>"+html.EscapeString(source)+"</pre>")
			return err
		}
		_, err := allowed.SanitizeReader(&b).WriteTo(w)
		return err
	})
}
