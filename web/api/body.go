package api

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// init makes the library as strict as the description is: names of members as they are written
// there, and lists that are never null.
func init() {
	huma.ValidateStrictCasing, huma.DefaultArrayNullable = true, false
}

const (
	givenTwice = "This member stands here more than once, and only one of them would count. Give it once."
	neverNull  = "This is never null. Leave it out, or give it a value."
)

// strictBody refuses what readers of JSON take in different ways: a member that an object has
// twice, and null where the description has none. What is no JSON at all is left to huma.
func (s *server) strictBody(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		body := ctx.Operation().RequestBody
		kind, _, _ := mime.ParseMediaType(ctx.Header("Content-Type"))
		if body == nil || body.Content["application/json"] == nil || kind != "" && kind != "application/json" && !strings.HasSuffix(kind, "+json") {
			next(ctx)
			return
		}
		r, w := humachi.Unwrap(ctx)
		_ = huma.SetReadDeadline(w, time.Now().Add(ctx.Operation().BodyReadTimeout)) // as huma would
		sent, err := io.ReadAll(r.Body)
		r.Body = again(sent, err)
		if err == nil && json.Valid(sent) { // so that it is not nested without end
			c := bodyCheck{Decoder: json.NewDecoder(bytes.NewReader(sent)), schemas: a.OpenAPI().Components.Schemas}
			c.UseNumber()
			c.value(body.Content["application/json"].Schema, "", "body")
			if len(c.bad) > 0 {
				p := newProblem(http.StatusUnprocessableEntity, "There is a problem with what was sent.", nil)
				p.RequestID, p.Errors = actorOf(ctx.Context()).RequestID, c.bad
				writeProblem(ctx, p)
				return
			}
		}
		next(ctx)
	}
}

// again is a body that was read already, with the error that ended it.
func again(sent []byte, err error) io.ReadCloser {
	if err == nil {
		err = io.EOF
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(sent), failing{err}))
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// writeProblem answers a problem from a middleware.
func writeProblem(ctx huma.Context, p *Problem) {
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(p)
}

// bodyCheck goes through a body that is JSON beside its description.
type bodyCheck struct {
	*json.Decoder
	schemas huma.Registry
	bad     []Place
}

const manyPlaces = 20 // of one body; more are not listed

func (c *bodyCheck) add(pointer, location, message string) {
	if len(c.bad) < manyPlaces {
		c.bad = append(c.bad, Place{Location: location, Pointer: pointer, Message: message})
	}
}

// value reads the next value. schema is nil where anything may stand.
func (c *bodyCheck) value(schema *huma.Schema, pointer, location string) {
	token, _ := c.Token()
	schema = c.of(schema)
	switch token {
	case nil:
		if pointer != "" && schema != nil && !schema.Nullable {
			c.add(pointer, location, neverNull)
		}
	case json.Delim('{'):
		c.object(schema, pointer, location)
	case json.Delim('['):
		var items *huma.Schema
		if schema != nil {
			items = schema.Items
		}
		for n := 0; c.More(); n++ {
			c.value(items, pointer+"/"+strconv.Itoa(n), location+"["+strconv.Itoa(n)+"]")
		}
		_, _ = c.Token()
	}
}

func (c *bodyCheck) object(schema *huma.Schema, pointer, location string) {
	seen := map[string]bool{}
	for c.More() {
		token, _ := c.Token()
		name, _ := token.(string)
		at, in := pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), location+"."+name
		if seen[name] {
			c.add(at, in, givenTwice)
		}
		seen[name] = true
		var member *huma.Schema
		if schema != nil {
			member = schema.Properties[name]
		}
		c.value(member, at, in)
	}
	_, _ = c.Token()
}

// of resolves what a schema refers to; nil when it takes anything. Of alternatives, which are
// something or null, it is the something.
func (c *bodyCheck) of(s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = c.schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case s == nil || s.Type == "" && len(s.AnyOf) == 0:
		return nil
	case len(s.AnyOf) == 0:
		return s
	}
	one := c.of(s.AnyOf[0])
	if one == nil {
		return nil
	}
	either := *one
	either.Nullable = true
	return &either
}
