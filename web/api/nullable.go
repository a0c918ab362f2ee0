package api

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// nullable makes the description say of every pointer that it may be null, where huma does not:
// of objects, of ids, and of enumerations. A pointer that is left out when it is nil is never null.
func nullable(r huma.Registry) {
	for name, schema := range r.Map() {
		t := r.TypeFromRef("#/components/schemas/" + name)
		for t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if p := schema.Properties[member]; p != nil && f.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omitempty") {
				schema.Properties[member] = orNull(p)
			}
		}
	}
}

// orNull is the schema, or null.
func orNull(s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		none := &huma.Schema{Type: "null", Enum: []any{nil}} // huma itself checks the enumeration
		none.PrecomputeMessages()
		either := &huma.Schema{AnyOf: []*huma.Schema{{Ref: s.Ref}, none}, Description: s.Description}
		either.PrecomputeMessages()
		return either
	}
	if s.Type != "" {
		s.Nullable = true
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, nil) {
		s.Enum = append(slices.Clone(s.Enum), nil)
	}
	return s
}
