package views

import (
	"strings"

	"orrery/web/views/ui"
)

// APIReference is what the page of the API says, as its description has it.
type APIReference struct {
	Base     string
	Intro    string
	Groups   []APIGroup
	Schemas  []APISchema
	Statuses []APIMember // what each status of a problem means
	Scopes   []APIMember
	Rate     int    // requests a minute for a token
	Problem  string // an example
}

// FirstCall is for a shell: it lists workloads.
func (r APIReference) FirstCall() string {
	return "export ORRERY_TOKEN=orr_pat_...\ncurl -H \"Authorization: Bearer $ORRERY_TOKEN\" \"" + r.Base + "/api/v1/workloads\""
}

// BeforeChange is for a shell: it sets what the examples of changes send.
func (r APIReference) BeforeChange() string {
	return "ID=...                  # of what you change, from its list\nBUILD_ID=build-4471-1   # another one for each act\n" +
		"ETAG=$(curl -sI -H \"Authorization: Bearer $ORRERY_TOKEN\" \"" + r.Base + "/api/v1/items/$ID\" |\n  tr -d '\\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')"
}

// APIGroup are the operations on one kind of thing.
type APIGroup struct {
	Name       string
	Operations []APIOperation
}

// ID is the anchor of the group.
func (g APIGroup) ID() string { return strings.ToLower(strings.ReplaceAll(g.Name, " ", "-")) }

// APIOperation is a method of an address.
type APIOperation struct {
	ID, Method, Path string
	Summary, About   string
	Scope            string
	Parameters       []APIMember
	Body             string // name of the schema that is sent; empty: none
	Answer           string // name of the schema of success
	Status           string // of success
	Headers          string // of success
	Example          string // a request, for a shell
	AnswerExample    string // an answer; empty where it is no JSON
	Problems         string // the statuses of problems
}

// APISchema is the form of a body.
type APISchema struct {
	Name    string
	About   string
	Members []APIMember
}

// APIMember is a member of a body, or a parameter.
type APIMember struct {
	Name     string
	In       string // of a parameter: path, query, header
	Type     string
	Ref      string // name of the schema it holds; empty: none
	Required bool
	About    string
}

// apiColumns are the heads of a table of members.
func apiColumns(first string, typed bool) []ui.Column {
	if typed {
		return []ui.Column{{Text: first}, {Text: "Type"}, {Text: "What it is"}}
	}
	return []ui.Column{{Text: first}, {Text: "What it is"}}
}

// plain says what comes where the answer is no JSON.
func (o APIOperation) plain() string {
	if o.Status == "204" {
		return "nothing."
	}
	return "the file."
}
