package web

import (
	"net/url"
	"strconv"
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/text"
)

// maxRows bounds the rows of choices, and of evidence checks, that are read from a form.
const maxRows = 50

// readQuestion reads the form of a question in a draft.
func (v *visit) readQuestion(form url.Values) questionnaire.QuestionInput {
	clean := func(name string) string { return text.Clean(form.Get(name)) }
	in := questionnaire.QuestionInput{
		Section: clean("section"), Title: clean("title"), Description: clean("description"), Why: clean("why"), Good: clean("good"),
		NotApplicableWhen: clean("not_applicable_when"), Phase: questionnaire.Phase(clean("phase")), CorePath: form.Get("core_path") == "1",
		MaxRisk: questionnaire.Risk(clean("max_risk")), Rules: clean("rules"),
		Bring: nonEmptyLines(clean("bring")), Tags: listed(clean("tags")), Lineage: listed(clean("lineage")),
	}
	if id := v.r.PathValue("question"); id != "new" {
		in.ID = id
	}
	for _, tier := range form["tiers"] {
		n, _ := strconv.Atoi(tier) // what is no number is tier 0, which is refused
		in.Tiers = append(in.Tiers, n)
	}
	for _, line := range nonEmptyLines(clean("links")) {
		in.Links = append(in.Links, linkOf(line))
	}
	for n := range maxRows {
		suffix := "_" + strconv.Itoa(n)
		if !form.Has("choice" + suffix) {
			break
		}
		in.Choices = append(in.Choices, questionnaire.ChoiceInput{
			ID: clean("id" + suffix), Title: clean("choice" + suffix), Weight: questionnaire.Weight(clean("weight" + suffix)), Group: clean("group" + suffix),
			Why: clean("why" + suffix), Good: clean("good" + suffix), FirstStep: clean("step" + suffix), StepURL: clean("url" + suffix),
			Lineage: listed(clean("practices" + suffix)),
		})
	}
	for n := range maxRows {
		suffix := "_" + strconv.Itoa(n)
		if !form.Has("check_source" + suffix) {
			break
		}
		in.Checks = append(in.Checks, questionnaire.CheckInput{
			ID: clean("check_id" + suffix), Source: clean("check_source" + suffix), Key: clean("check_key" + suffix), Choice: clean("check_choice" + suffix),
			Expect: clean("check_expect" + suffix), Claim: clean("check_claim" + suffix), Level: clean("check_level" + suffix),
			Within: clean("check_within" + suffix), MaxAge: clean("check_max_age" + suffix),
		})
	}
	return in
}

func nonEmptyLines(s string) (out []string) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// listed reads what stands between commas or on lines.
func listed(s string) (out []string) {
	for _, entry := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' }) {
		if entry = strings.TrimSpace(entry); entry != "" {
			out = append(out, entry)
		}
	}
	return out
}

// linkOf reads a text with an address at its end.
func linkOf(line string) questionnaire.Link {
	at := strings.LastIndexAny(line, " \t")
	return questionnaire.Link{Text: strings.TrimSpace(line[:max(at, 0)]), URL: line[at+1:]}
}
