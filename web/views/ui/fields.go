package ui

import "github.com/a-h/templ"

// Field is one input of a form. Value is what the person typed or what is
// stored; Error stands beside the field with the words of the summary. There is
// no limit of length here on purpose: browsers cut pasted text without a word,
// the server refuses it with one. Forms carry novalidate for the same reason.
type Field struct {
	Name, Label  string
	ID           string // of the element, where a name stands twice on a page; else FieldID(Name)
	Value        string
	Hint         string
	Error        string
	Type         string // of a Text field: "text" when empty, "password", "search", "number"
	Autocomplete string // its purpose (WCAG 1.3.5): "username", "email", "off"
	InputMode    string // the keyboard to offer: "email", "numeric", "url"
	Width        string // "short" for a number or key, "medium" for a name, "" for the measure
	Rows         int    // of a TextArea; 4 when zero
	Optional     bool   // says so after the label
	ReadOnly     bool
	HideLabel    bool // keeps the label for screen readers only
	Attrs        templ.Attributes
}

// Option is one of the values a Choice offers.
type Option struct {
	Value, Text string
	Hint        string // a line of consequence
	Selected    bool
	Group       string // options of a Select with the same one after each other stand under it
}

// Choice is a field with options: Select, Radios or Checkboxes.
type Choice struct {
	Name, Label string
	Hint        string
	Error       string
	Options     []Option
	Inline      bool // short options stand in one row
	Optional    bool
	HideLabel   bool
	Attrs       templ.Attributes
}

// Selected returns a copy of options in which exactly those with the given
// values are selected.
func Selected(options []Option, values ...string) []Option {
	out := make([]Option, len(options))
	for i, option := range options {
		option.Selected = false
		for _, value := range values {
			if option.Value == value {
				option.Selected = true
			}
		}
		out[i] = option
	}
	return out
}

// optionGroup is options that stand under one heading, or under none.
type optionGroup struct {
	Name    string
	Options []Option
}

// groups parts the options by what they stand under.
func (c Choice) groups() []optionGroup {
	var list []optionGroup
	for _, option := range c.Options {
		if n := len(list); n == 0 || list[n-1].Name != option.Group {
			list = append(list, optionGroup{Name: option.Group})
		}
		last := &list[len(list)-1]
		last.Options = append(last.Options, option)
	}
	return list
}

func (f Field) id() string  { return or(f.ID, FieldID(f.Name)) }
func (c Choice) id() string { return FieldID(c.Name) }

// optionID is the id of the i-th option; the first has the field's own, so that
// the error summary leads to something that takes focus.
func (c Choice) optionID(i int) string {
	if i == 0 {
		return c.id()
	}
	return c.id() + "--" + itoa(i+1)
}

func (f Field) inputType() string { return or(f.Type, "text") }

func (f Field) rows() string {
	if f.Rows == 0 {
		return "4"
	}
	return itoa(f.Rows)
}

// describedBy names the hint and the error that belong to a field.
func describedBy(id, hint, problem string) string {
	switch {
	case hint != "" && problem != "":
		return id + "-hint " + id + "-error"
	case hint != "":
		return id + "-hint"
	case problem != "":
		return id + "-error"
	}
	return ""
}

func (f Field) described() string  { return describedBy(f.id(), f.Hint, f.Error) }
func (c Choice) described() string { return describedBy(c.id(), c.Hint, c.Error) }

func inputClass(width string) string {
	switch width {
	case "short":
		return "in in-short"
	case "medium":
		return "in in-medium"
	}
	return "in in-long"
}

func fieldClass(problem string) string {
	if problem != "" {
		return "field field-error"
	}
	return "field"
}

func labelClass(hidden bool) string {
	if hidden {
		return "vh"
	}
	return "lbl"
}

// attributes are those that depend on the field: none is written in vain.
func (f Field) attributes() templ.OrderedAttributes {
	out := make(templ.OrderedAttributes, 0, 8)
	add := func(key string, value any) { out = append(out, templ.KV(key, value)) }
	if f.Autocomplete != "" {
		add("autocomplete", f.Autocomplete)
	}
	if f.InputMode != "" {
		add("inputmode", f.InputMode)
	}
	if f.ReadOnly {
		add("readonly", true)
	}
	if f.Type == "password" || f.Type == "url" || f.Autocomplete == "username" || f.Autocomplete == "email" {
		add("autocapitalize", "none")
		add("spellcheck", "false")
	}
	if by := f.described(); by != "" {
		add("aria-describedby", by)
	}
	if f.Error != "" {
		add("aria-invalid", "true")
	}
	return append(out, f.Attrs.Items()...)
}

// groupAttributes tie a group of options to its hint and error. Only a radio
// group may be invalid as a whole; checkboxes say so one by one.
func (c Choice) groupAttributes(kind string) templ.OrderedAttributes {
	out := make(templ.OrderedAttributes, 0, 4)
	if kind == "radio" {
		out = append(out, templ.KV[string, any]("role", "radiogroup"))
		if c.Error != "" {
			out = append(out, templ.KV[string, any]("aria-invalid", "true"))
		}
	}
	if by := c.described(); by != "" {
		out = append(out, templ.KV[string, any]("aria-describedby", by))
	}
	return append(out, c.Attrs.Items()...)
}

// selectAttributes are those of a select element.
func (c Choice) selectAttributes() templ.OrderedAttributes {
	out := c.groupAttributes("select")
	if c.Error != "" {
		out = append(out, templ.KV[string, any]("aria-invalid", "true"))
	}
	return out
}

var themes = []Option{
	{Value: "", Text: "As the system says"},
	{Value: "light", Text: "Light"},
	{Value: "dark", Text: "Dark"},
}
