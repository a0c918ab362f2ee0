package questionnaire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Difference is what changed between two versions of a set.
type Difference struct {
	Added    []Change // sections, questions and choices that are new
	Removed  []Change // sections, questions and choices that are gone
	Rescored []Change // questions whose rules changed
	Reworded []Change // texts that changed
	Moved    []Change // questions in another section, and members in another order
	Changed  []Change // everything else: phase, tiers, lineage, evidence checks
	Major    bool     // something was added, removed or rescored: answers need a look
}

// Empty reports whether nothing changed.
func (d Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Rescored)+len(d.Reworded)+len(d.Moved)+len(d.Changed) == 0
}

// Change is one difference. The ids say what it is about: a choice of a question, a
// question, a section, or the set itself when all are empty.
type Change struct {
	Section, Question, Choice string
	Field                     string // what of it changed; empty when it was added or removed
	Old, New                  string // in words; the title of what was added or removed
}

// Compare returns what changed from the old version to the new one. Sections and
// questions are matched by id, choices by id within their question; an id that changed is
// a removal and an addition. Rules are compared as conditions, so white space and needless
// parentheses make no difference.
func Compare(old, new *Questionnaire) Difference {
	d := &Difference{}
	at := Change{}
	d.reworded(at, "name", old.Name, new.Name)
	d.reworded(at, "description", old.Description, new.Description)
	d.changed(at, "minutes", old.Minutes, new.Minutes)
	d.changed(at, "edition", old.Edition, new.Edition)
	d.sections(old, new)
	for _, q := range old.Questions() {
		if n, ok := new.Question(q.ID); ok {
			d.question(q, n)
		} else {
			d.Removed = append(d.Removed, Change{Section: q.Section, Question: q.ID, Old: q.Title})
		}
	}
	for _, q := range new.Questions() {
		if _, ok := old.Question(q.ID); !ok {
			d.Added = append(d.Added, Change{Section: q.Section, Question: q.ID, New: q.Title})
		}
	}
	d.Major = len(d.Added)+len(d.Removed)+len(d.Rescored) > 0
	return *d
}

func (d *Difference) sections(old, new *Questionnaire) {
	before, after := make(map[string]*Section), make(map[string]*Section)
	for i := range old.Sections {
		before[old.Sections[i].ID] = &old.Sections[i]
	}
	for i := range new.Sections {
		s := &new.Sections[i]
		after[s.ID] = s
		was, ok := before[s.ID]
		if !ok {
			d.Added = append(d.Added, Change{Section: s.ID, New: s.Name})
			continue
		}
		at := Change{Section: s.ID}
		d.reworded(at, "name", was.Name, s.Name)
		d.reworded(at, "description", was.Description, s.Description)
		d.order(at, questionIDs(was), questionIDs(s))
	}
	for i := range old.Sections {
		if s := &old.Sections[i]; after[s.ID] == nil {
			d.Removed = append(d.Removed, Change{Section: s.ID, Old: s.Name})
		}
	}
	d.order(Change{}, sectionIDs(old), sectionIDs(new))
}

func (d *Difference) question(old, new *Question) {
	at := Change{Section: new.Section, Question: new.ID}
	if old.Section != new.Section {
		d.Moved = append(d.Moved, with(at, "section", old.Section, new.Section))
	}
	d.reworded(at, "title", old.Title, new.Title)
	d.reworded(at, "description", old.Description, new.Description)
	d.reworded(at, "why", old.Why, new.Why)
	d.reworded(at, "good", old.Good, new.Good)
	d.reworded(at, "not_applicable_when", old.NotApplicableWhen, new.NotApplicableWhen)
	d.reworded(at, "bring", strings.Join(old.Bring, "\n"), strings.Join(new.Bring, "\n"))
	d.reworded(at, "links", linkWords(old.Links), linkWords(new.Links))
	d.reworded(at, "helpful_resource", resourceWords(old.HelpfulResource), resourceWords(new.HelpfulResource))
	d.changed(at, "phase", old.Phase, new.Phase)
	d.changed(at, "core_path", old.CorePath, new.CorePath)
	d.changed(at, "tiers", old.Tiers, new.Tiers)
	d.changed(at, "tags", old.Tags, new.Tags)
	d.changed(at, "lineage", old.Lineage, new.Lineage)
	d.changed(at, "checks", checkWords(old.Checks), checkWords(new.Checks))
	if before, after := ruleWords(old), ruleWords(new); before != after {
		d.Rescored = append(d.Rescored, with(at, "rules", before, after))
	}
	d.choices(at, old, new)
}

func (d *Difference) choices(at Change, old, new *Question) {
	for i := range old.Choices {
		c := &old.Choices[i]
		inner := at
		inner.Choice = c.ID
		if n, ok := new.Choice(c.ID); ok {
			d.choice(inner, c, n)
		} else {
			inner.Old = c.Title
			d.Removed = append(d.Removed, inner)
		}
	}
	for i := range new.Choices {
		c := &new.Choices[i]
		if _, ok := old.Choice(c.ID); !ok {
			inner := at
			inner.Choice, inner.New = c.ID, c.Title
			d.Added = append(d.Added, inner)
		}
	}
	d.order(at, choiceIDs(old), choiceIDs(new))
}

func (d *Difference) choice(at Change, old, new *Choice) {
	d.reworded(at, "title", old.Title, new.Title)
	d.reworded(at, "why", old.Why, new.Why)
	d.reworded(at, "good", old.Good, new.Good)
	d.reworded(at, "first_step", linkWords([]Link{Link(old.FirstStep)}), linkWords([]Link{Link(new.FirstStep)}))
	d.reworded(at, "links", linkWords(old.Links), linkWords(new.Links))
	d.reworded(at, "helpful_resource", resourceWords(old.HelpfulResource), resourceWords(new.HelpfulResource))
	d.reworded(at, "additional_resources", additionalWords(old.Additional), additionalWords(new.Additional))
	d.changed(at, "weight", weightWords(old), weightWords(new))
	d.changed(at, "risk", old.Risk, new.Risk)
	d.changed(at, "wa_tool_id", old.WAToolID, new.WAToolID)
	d.changed(at, "lineage", old.Lineage, new.Lineage)
}

func with(at Change, field, old, new string) Change {
	at.Field, at.Old, at.New = field, old, new
	return at
}

func (d *Difference) reworded(at Change, field, old, new string) {
	if old != new {
		d.Reworded = append(d.Reworded, with(at, field, old, new))
	}
}

func (d *Difference) changed(at Change, field string, old, new any) {
	if !reflect.DeepEqual(old, new) {
		d.Changed = append(d.Changed, with(at, field, fmt.Sprint(old), fmt.Sprint(new)))
	}
}

// order notes that the members which both versions have stand in another order.
func (d *Difference) order(at Change, old, new []string) {
	common := func(ids, others []string) string {
		kept := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !slices.Contains(others, id) })
		return strings.Join(kept, " ")
	}
	if before, after := common(old, new), common(new, old); before != after {
		d.Moved = append(d.Moved, with(at, "order", before, after))
	}
}

func sectionIDs(q *Questionnaire) []string {
	var out []string
	for i := range q.Sections {
		out = append(out, q.Sections[i].ID)
	}
	return out
}

func questionIDs(s *Section) []string {
	var out []string
	for i := range s.Questions {
		out = append(out, s.Questions[i].ID)
	}
	return out
}

func choiceIDs(q *Question) []string {
	var out []string
	for i := range q.Choices {
		out = append(out, q.Choices[i].ID)
	}
	return out
}

// ruleWords writes the rules one per line, conditions in their plain form.
func ruleWords(q *Question) string {
	lines := make([]string, len(q.Rules))
	for i, r := range q.Rules {
		condition := r.Condition
		if r.expr != nil {
			condition = r.expr.String()
		}
		lines[i] = string(r.Risk) + ": " + condition
	}
	return strings.Join(lines, "\n")
}

func weightWords(c *Choice) string { return strings.TrimSpace(string(c.Weight) + " " + c.Group) }

func checkWords(checks []Check) string {
	lines := make([]string, len(checks))
	for i, c := range checks {
		lines[i] = strings.Join([]string{c.ID, c.Choice, c.Source, c.Key, c.Expect, c.Within.String(), c.MaxAge.String(), c.Level, c.Claim, c.Edition}, " ")
	}
	return strings.Join(lines, "\n")
}

func linkWords(links []Link) string {
	lines := make([]string, len(links))
	for i, link := range links {
		lines[i] = strings.TrimSpace(link.Text + " " + link.URL)
	}
	return strings.Join(lines, "\n")
}

func resourceWords(link *Link) string {
	if link == nil {
		return ""
	}
	return linkWords([]Link{*link})
}

func additionalWords(additional []Additional) string {
	lines := make([]string, len(additional))
	for i, a := range additional {
		lines[i] = a.Kind + "\n" + linkWords(a.Content)
	}
	return strings.Join(lines, "\n")
}

// Touches reports whether anything of the question changed: its words, its rules, its
// choices, where it stands, or what surrounds it.
func (d Difference) Touches(question string) bool {
	for _, list := range [][]Change{d.Added, d.Removed, d.Rescored, d.Reworded, d.Moved, d.Changed} {
		if slices.ContainsFunc(list, func(c Change) bool { return c.Question == question }) {
			return true
		}
	}
	return false
}
