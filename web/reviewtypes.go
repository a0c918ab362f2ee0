package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// reviewTypeRoutes show the review types, and change them.
func reviewTypeRoutes() []Route {
	return []Route{
		{"GET", "/review-types", signedIn(reviewTypeList)},
		{"POST", "/review-types", signedIn(curating(addReviewType))},
		{"GET", "/review-types/{key}", signedIn(reviewTypePage)},
		{"POST", "/review-types/{key}", signedIn(curating(saveReviewType))},
		{"POST", "/review-types/{key}/check", signedIn(curating(checkReviewType))},
		{"POST", "/review-types/{key}/lint", signedIn(curating(lintReviewType))},
	}
}

const reviewTypes = "/review-types"

func reviewTypeList(v *visit) error {
	return v.showTypes(http.StatusOK, views.NewReviewType{Like: "new-service"}, nil)
}

// addReviewType makes a type like another, and leads to its form.
func addReviewType(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := views.NewReviewType{Key: form.Get("key"), Name: form.Get("name"), Like: form.Get("like")}
	err = v.Reviews.AddType(v.ctx(), v.who, in.Key, in.Name, in.Like)
	if errs, bad := invalid(err); bad {
		return v.showTypes(http.StatusUnprocessableEntity, in, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.ReviewTypePath(text.Line(in.Key)), "The review type is made. It is retired until you have gone through it: untick that to offer it.")
}

func (v *visit) showTypes(status int, in views.NewReviewType, errs ui.FieldErrors) error {
	l := views.ReviewTypeList{New: in, Asked: map[string][3]int{}, Names: map[string]string{}, MayCurate: v.who.Is(identity.Curator)}
	var err error
	if l.Types, err = v.Reviews.Types(v.ctx()); err != nil {
		return err
	}
	for _, t := range l.Types {
		lint, err := v.Reviews.LintType(v.ctx(), t)
		if err != nil {
			return err
		}
		l.Asked[t.Key] = lint.Asked
	}
	sets, err := v.Library.Sets(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	for _, set := range sets {
		l.Names[set.Key] = set.Questionnaire.Name
	}
	page := v.page("Review types", library, ui.Link{Text: "Questionnaires", Href: library}, ui.Link{Text: "Review types"})
	page.Errors = errs
	return v.render(status, views.ReviewTypes(page, l))
}

// typeForm is the form of a type as it is stored.
func typeForm(t review.Type) views.ReviewTypePage {
	p := views.ReviewTypePage{Key: t.Key, Form: t, ValidDays: strconv.Itoa(t.ValidDays)}
	for i := range p.Signoffs {
		p.Signoffs[i] = strconv.Itoa(t.Signoffs[i])
	}
	return p
}

func reviewTypePage(v *visit) error {
	t, err := v.Reviews.Type(v.ctx(), v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.showType(http.StatusOK, typeForm(t), nil)
}

// showType completes the form with every set and what lint says, and shows the page.
func (v *visit) showType(status int, p views.ReviewTypePage, errs ui.FieldErrors) error {
	p.MayCurate = v.who.May(identity.Curate, identity.Target{}) == nil
	sets, err := v.Library.Sets(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	for _, set := range sets {
		place := ""
		if at := slices.Index(p.Form.Questionnaires, set.Key); at >= 0 {
			place = strconv.Itoa(at + 1)
		}
		p.Order = append(p.Order, views.SetOrder{Key: set.Key, Name: set.Questionnaire.Name, Place: place})
	}
	if p.Lint, err = v.Reviews.LintType(v.ctx(), p.Form); err != nil {
		return err
	}
	stored, err := v.Reviews.Type(v.ctx(), p.Key)
	if err != nil {
		return err
	}
	frame := v.page(stored.Name, library, ui.Link{Text: "Questionnaires", Href: library}, ui.Link{Text: "Review types", Href: reviewTypes}, ui.Link{Text: stored.Name})
	frame.Errors = errs
	return v.render(status, views.ReviewType(frame, p))
}

// readType reads the form of a type; sets stand in the order of their numbers.
func readType(key string, form url.Values) views.ReviewTypePage {
	p := views.ReviewTypePage{Key: key, ValidDays: text.Line(form.Get("valid_days"))}
	p.Form = review.Type{
		Key: key, Name: form.Get("name"), Description: form.Get("description"), AboutChange: form.Get("about_change") != "",
		GatesLaunch: form.Get("gates_launch") != "", GateMode: form.Get("gate_mode"), Retired: form.Get("retired") != "",
	}
	p.Form.Version, _ = strconv.Atoi(form.Get("version")) // a version nobody wrote is 0, which is stale
	p.Form.ValidDays, _ = strconv.Atoi(p.ValidDays)       // what is no number is 0, which is refused
	for _, tier := range form["core_tiers"] {
		n, _ := strconv.Atoi(tier)
		p.Form.CoreTiers = append(p.Form.CoreTiers, n)
	}
	for i := range p.Signoffs {
		p.Signoffs[i] = text.Line(form.Get(review.SignoffField(i + 1)))
		n, err := strconv.Atoi(p.Signoffs[i])
		if err != nil {
			n = -1
		}
		p.Form.Signoffs = append(p.Form.Signoffs, n)
	}
	type placed struct {
		key   string
		place int
	}
	var order []placed
	for name := range form {
		if set, ok := strings.CutPrefix(name, "place_"); ok && strings.TrimSpace(form.Get(name)) != "" {
			n, _ := strconv.Atoi(strings.TrimSpace(form.Get(name)))
			order = append(order, placed{set, n})
		}
	}
	slices.SortFunc(order, func(a, b placed) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.key, b.key)) })
	for _, one := range order {
		p.Form.Questionnaires = append(p.Form.Questionnaires, one.key)
	}
	return p
}

func saveReviewType(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := readType(v.r.PathValue("key"), form)
	err = v.Reviews.SaveType(v.ctx(), v.who, p.Form)
	if errs, bad := invalid(err); bad {
		return v.showType(http.StatusUnprocessableEntity, p, errs)
	}
	if fault.Is(err, fault.Conflict) {
		now, readErr := v.Reviews.Type(v.ctx(), p.Key)
		if readErr != nil {
			return readErr
		}
		p.Conflict, p.Form.Version = fault.MessageOf(err), now.Version // saving the form again then replaces it, knowingly
		return v.showType(http.StatusConflict, p, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.ReviewTypePath(p.Key), "The review type is saved. Reviews that start from now on follow it.")
}

// checkReviewType shows the form again with what lint says of it; nothing is saved.
func checkReviewType(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	return v.showType(http.StatusOK, readType(v.r.PathValue("key"), form), nil)
}

// lintReviewType answers with what lint says alone, while a curator chooses; nothing is saved.
func lintReviewType(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	lint, err := v.Reviews.LintType(v.ctx(), readType(v.r.PathValue("key"), form).Form)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.TypeLint(lint))
}
