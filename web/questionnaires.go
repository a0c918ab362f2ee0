package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// questionnaireRoutes show the library: its sets, their versions and what changed.
func questionnaireRoutes() []Route {
	return []Route{
		{"GET", "/questionnaires", signedIn(questionnaireList)},
		{"GET", "/questionnaires/{key}", signedIn(questionnairePage)},
		{"GET", "/questionnaires/{key}/compare", signedIn(questionnaireComparison)},
		{"GET", "/questionnaires/{key}/export/{format}", signedIn(exportQuestionnaire)},
	}
}

const library = "/questionnaires"

func questionnaireList(v *visit) error {
	l := views.QuestionnaireList{MayCurate: v.who.Is(identity.Curator)}
	var err error
	if l.Sets, err = v.Library.Sets(v.ctx(), v.DB); err != nil {
		return err
	}
	if l.MayCurate {
		if l.Drafts, err = v.Library.Drafts(v.ctx(), v.who); err != nil {
			return err
		}
	}
	if l.Uses, err = v.Portfolio.SetsInUse(v.ctx(), v.who); err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Questionnaires(v.page("Questionnaires", library), l))
}

// readQuestionFilter reads the filter of a version page from its address.
func readQuestionFilter(q url.Values) questionnaire.Filter {
	return questionnaire.Filter{
		Text: text.Clean(q.Get("q")), Phase: questionnaire.Phase(q.Get("phase")), CorePath: q.Get("core") == "1", Checked: q.Get("checks") == "1",
	}
}

// setVersion reads the version of the set in the path: the newest, or the one numbered.
func (v *visit) setVersion(number string) (questionnaire.Published, *questionnaire.Questionnaire, error) {
	p, err := v.Library.Newest(v.ctx(), v.DB, v.r.PathValue("key"), number)
	if err != nil {
		return p, nil, err
	}
	q, err := v.Library.Version(v.ctx(), v.DB, p.ID)
	return p, q, err
}

func questionnairePage(v *visit) error {
	query := v.r.URL.Query()
	p := views.QuestionnairePage{Filter: readQuestionFilter(query), Unfold: query.Get("unfold") == "1", MayCurate: v.who.Is(identity.Curator)}
	switch p.Filter.Phase {
	case "", questionnaire.PhaseDesign, questionnaire.PhaseBuild, questionnaire.PhaseLaunch:
	default:
		return fault.InvalidField("phase", "There is no such phase.")
	}
	var err error
	if p.Version, p.Set, err = v.setVersion(text.Clean(query.Get("version"))); err != nil {
		return err
	}
	if p.Versions, err = v.Library.Versions(v.ctx(), v.DB, p.Set.Key); err != nil {
		return err
	}
	if p.Origin, err = v.Library.Origin(v.ctx(), v.DB, p.Set.Key); err != nil {
		return err
	}
	if p.Warnings, err = v.Library.Warnings(v.ctx(), v.DB, p.Version.ID); err != nil {
		return err
	}
	if p.Off, err = v.Library.SwitchedOff(v.ctx(), v.DB, p.Set.Key); err != nil {
		return err
	}
	if err := v.fillMarks(&p); err != nil {
		return err
	}
	uses, err := v.Portfolio.SetsInUse(v.ctx(), v.who)
	if err != nil {
		return err
	}
	p.Use = uses[p.Set.Key]
	frame := v.page(p.Set.Name, library, ui.Link{Text: "Questionnaires", Href: library}, ui.Link{Text: p.Set.Name})
	return v.render(http.StatusOK, views.Questionnaire(frame, p))
}

func questionnaireComparison(v *visit) error {
	query := v.r.URL.Query()
	c := views.Comparison{From: text.Clean(query.Get("from")), To: text.Clean(query.Get("to"))}
	var err error
	if c.Versions, err = v.Library.Versions(v.ctx(), v.DB, v.r.PathValue("key")); err != nil {
		return err
	}
	if len(c.Versions) > 1 {
		if c.To == "" {
			c.To = c.Versions[0].Version
		}
		if c.From == "" {
			c.From = before(c.Versions, c.To)
		}
	}
	if _, c.Set, err = v.setVersion(c.To); err != nil {
		return err
	}
	if c.From != "" {
		_, old, err := v.setVersion(c.From)
		if err != nil {
			return err
		}
		c.Difference = questionnaire.Compare(old, c.Set)
	}
	frame := v.page("Compare versions of "+c.Set.Name, library, ui.Link{Text: "Questionnaires", Href: library},
		ui.Link{Text: c.Set.Name, Href: views.QuestionnairePath(c.Set.Key, "")}, ui.Link{Text: "Compare"})
	return v.render(http.StatusOK, views.QuestionnaireComparison(frame, c))
}

// before is the version that was published before the one numbered, or the oldest.
func before(versions []questionnaire.Published, number string) string {
	for i, p := range versions[:len(versions)-1] {
		if p.Version == number {
			return versions[i+1].Version
		}
	}
	return versions[len(versions)-1].Version
}

// exportQuestionnaire hands out a version as a file; what the format cannot hold is a page
// with the places.
func exportQuestionnaire(v *visit) error {
	_, q, err := v.setVersion(text.Clean(v.r.URL.Query().Get("version")))
	if err != nil {
		return err
	}
	var data []byte
	var ending, mime string
	switch v.r.PathValue("format") {
	case "aws":
		ending, mime = ".json", "application/json"
		data, _, err = questionnaire.ExportAWS(q)
	case "yaml":
		ending, mime = ".yaml", "application/yaml; charset=utf-8"
		data, err = questionnaire.ExportYAML(q)
	default:
		return notFound(v)
	}
	var refused questionnaire.Problems
	if errors.As(err, &refused) {
		frame := v.page("This export is not possible", library, ui.Link{Text: "Questionnaires", Href: library},
			ui.Link{Text: q.Name, Href: views.QuestionnairePath(q.Key, q.Version)}, ui.Link{Text: "Export"})
		return v.render(http.StatusUnprocessableEntity, views.ExportRefused(frame, q, refused))
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Disposition", `attachment; filename="`+strings.Join([]string{q.Key, q.Version}, "-")+ending+`"`)
	h.Set("Cache-Control", "no-store")
	_, err = v.w.Write(data)
	return ignoreGone(v, err)
}
