package api_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract checks answers against the description of the API, as JSON Schema and strictly: no
// member that is not described, and every format. It is made once, for every house is described alike.
type contract struct {
	compiler *jsonschema.Compiler
	paths    map[string]map[string]described
	mu       sync.Mutex
	known    map[string]*jsonschema.Schema
}

var theContract = struct {
	sync.Once
	*contract
}{}

// contract is what the house says of its answers.
func (h *house) contract() *contract {
	h.Helper()
	theContract.Do(func() {
		raw, err := json.Marshal(h.api.Description())
		h.must(nil, err)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		h.must(nil, err)
		c := &contract{compiler: jsonschema.NewCompiler(), known: map[string]*jsonschema.Schema{}}
		c.compiler.AssertFormat()
		h.must(nil, c.compiler.AddResource("orrery:///api.json", doc))
		var s spec
		h.must(nil, json.Unmarshal(raw, &s))
		c.paths = s.Paths
		theContract.contract = c
	})
	return theContract.contract
}

// template finds the described path that an address is of; the one with the fewest parameters.
func (c *contract) template(path string) (best string) {
	parts, fewest := strings.Split(path, "/"), len(path)
	for template := range c.paths {
		names := strings.Split(template, "/")
		if len(names) != len(parts) {
			continue
		}
		parameters, fits := 0, true
		for i, name := range names {
			if strings.HasPrefix(name, "{") {
				parameters++
			} else if name != parts[i] {
				fits = false
			}
		}
		if fits && parameters < fewest {
			best, fewest = template, parameters
		}
	}
	return best
}

// schema is the schema of an answer, nil when none is described.
func (c *contract) schema(method, template, status, contentType string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace
	at := "orrery:///api.json#/paths/" + escape(template) + "/" + strings.ToLower(method) + "/responses/" + status + "/content/" + escape(contentType) + "/schema"
	if s, ok := c.known[at]; ok {
		return s, nil
	}
	s, err := c.compiler.Compile(at)
	c.known[at] = s
	return s, err
}

// asDescribed wants an answer to be one that the description promises.
func (r reply) asDescribed(method, address, sent string) {
	r.Helper()
	path, _, _ := strings.Cut(address, "?")
	c := r.contract()
	template := c.template(path)
	op, known := c.paths[template][strings.ToLower(method)]
	contentType := r.header.Get("Content-Type")
	if !known || r.body == "" || contentType != "application/json" && contentType != "application/problem+json" {
		return
	}
	status := strconv.Itoa(r.status)
	if _, promised := op.Responses[status]; !promised {
		r.Errorf("%s %s answers %s, which is not described: %s", method, address, status, r.body)
		return
	}
	s, err := c.schema(method, template, status, contentType)
	if err != nil {
		r.Errorf("%s %s %s: %v", method, template, status, err)
		return
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(r.body))
	if err == nil {
		err = s.Validate(body)
	}
	if err != nil {
		r.Errorf("%s %s answers %s otherwise than described: %v\n%.2000s", method, address, http.StatusText(r.status), err, r.body)
	}
	for _, place := range strings.Split(r.body, `"pointer":"/`)[1:] {
		name, _, _ := strings.Cut(place, `"`)
		name, _, _ = strings.Cut(name, "/")
		if ref, _ := op.RequestBody.Content["application/json"].Schema["$ref"].(string); !strings.Contains(sent, name) && !c.has(ref, name) {
			r.Errorf("%s %s names /%s, which is no member of the body: %s", method, address, name, r.body)
		}
	}
}

// has reports whether a body has the member.
func (c *contract) has(ref, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.compiler.Compile("orrery:///api.json" + ref + "/properties/" + name)
	return err == nil
}
