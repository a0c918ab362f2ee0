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
	tooDeep    = "This nests deeper than anything that is described."
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
			c.value(body.Content["application/json"].Schema)
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
	path    []step // to the value that is looked at
	bad     []Place
}

// step is the name of a member, or the place in a list.
type step struct {
	name  string
	place int
	list  bool
}

const (
	manyPlaces = 20 // of one body; more are not listed
	deepest    = 32 // what is described nests less than ten deep
)

func (c *bodyCheck) add(message string) {
	if len(c.bad) == manyPlaces {
		return
	}
	var pointer, location strings.Builder
	location.WriteString("body")
	for _, s := range c.path {
		if s.list {
			pointer.WriteString("/" + strconv.Itoa(s.place))
			location.WriteString("[" + strconv.Itoa(s.place) + "]")
			continue
		}
		pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s.name))
		location.WriteString("." + s.name)
	}
	c.bad = append(c.bad, Place{Location: location.String(), Pointer: pointer.String(), Message: message})
}

// within looks at the next value, a step further down.
func (c *bodyCheck) within(s step, schema *huma.Schema) {
	c.path = append(c.path, s)
	c.value(schema)
	c.path = c.path[:len(c.path)-1]
}

// value reads the next value. schema is nil where anything may stand.
func (c *bodyCheck) value(schema *huma.Schema) {
	if len(c.path) > deepest {
		c.add(tooDeep)
		c.skip()
		return
	}
	token, _ := c.Token()
	schema = c.of(schema)
	switch token {
	case nil:
		if len(c.path) > 0 && schema != nil && !schema.Nullable {
			c.add(neverNull)
		}
	case json.Delim('{'):
		c.object(schema)
	case json.Delim('['):
		var items *huma.Schema
		if schema != nil {
			items = schema.Items
		}
		for n := 0; c.More(); n++ {
			c.within(step{place: n, list: true}, items)
		}
		_, _ = c.Token()
	}
}

func (c *bodyCheck) object(schema *huma.Schema) {
	seen := map[string]bool{}
	for c.More() {
		token, _ := c.Token()
		name, _ := token.(string)
		if seen[name] {
			c.path = append(c.path, step{name: name})
			c.add(givenTwice)
			c.path = c.path[:len(c.path)-1]
		}
		seen[name] = true
		var member *huma.Schema
		if schema != nil {
			member = schema.Properties[name]
		}
		c.within(step{name: name}, member)
	}
	_, _ = c.Token()
}

// skip reads over the next value.
func (c *bodyCheck) skip() {
	for depth := 0; ; {
		token, err := c.Token()
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 || err != nil {
			return
		}
	}
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
