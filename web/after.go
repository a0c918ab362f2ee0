package web

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// afterRoutes are what comes after a decision, or instead of one: revocation, the next round,
// emergency gos, decisions made elsewhere, and the keys that records are checked with.
func afterRoutes() []Route {
	return []Route{
		{"POST", "/reviews/{id}/revocation", signedIn(revokeDecision)},
		{"POST", "/reviews/{id}/next-round", signedIn(openNextRound)},
		{"GET", "/workloads/{key}/emergency", signedIn(emergencyPage)},
		{"POST", "/workloads/{key}/emergency", signedIn(decideEmergency)},
		{"POST", "/workloads/{key}/emergency/{id}/end", signedIn(endEmergency)},
		{"GET", "/workloads/{key}/elsewhere", signedIn(elsewherePage)},
		{"POST", "/workloads/{key}/elsewhere", signedIn(recordElsewhere)},
		{"POST", "/workloads/{key}/elsewhere/{id}", signedIn(judgeElsewhere)},
		{"GET", "/workloads/{key}/elsewhere/{id}/file", signedIn(elsewhereFile)},
		{"GET", "/.well-known/orrery-keys.json", open(publicKeys)},
	}
}

// showRecord shows the history of a review, with a refused revocation as it was typed.
func (v *visit) showRecord(status int, id uuid.UUID, typed string, errs ui.FieldErrors) error {
	rec, err := v.Reviews.Record(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	r := views.RecordPage{Record: rec, Reason: typed, Errors: errs, Now: v.Now()}
	if r.After, err = v.Reviews.AfterDecision(v.ctx(), rec.Review); err != nil {
		return err
	}
	if r.Emergencies, err = v.emergenciesOf(rec.Review); err != nil {
		return err
	}
	r.CanRenew = r.After.Renewable && v.who.May(identity.StartReview, rec.Target()) == nil
	if r.After.Revocable && v.who.Approves(rec.Workload.ID) {
		if r.CanRevoke = !rec.AuthoredByActor; !r.CanRevoke {
			r.WhyNot = "You saved answers in this round, so you may not take its decision back. Another approver may."
		}
	}
	p := v.page("Record of "+rec.Workload.Name, "/reviews", reviewCrumbs(rec.Review, "Record")...)
	p.Errors = errs
	return v.render(status, views.Record(p, r))
}

// emergenciesOf lists the emergency gos that a review follows.
func (v *visit) emergenciesOf(r review.Review) (list []review.EmergencyGo, err error) {
	all, err := v.Reviews.EmergenciesOf(v.ctx(), r.Workload.ID)
	for _, e := range all {
		if e.ReviewID == r.ID {
			list = append(list, e)
		}
	}
	return list, err
}

func revokeDecision(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	r, err := v.Reviews.Revoke(v.ctx(), v.who, id, form.Get("content"), form.Get("reason"))
	if errs, ok := invalid(err); ok {
		return v.showRecord(http.StatusUnprocessableEntity, id, form.Get("reason"), errs)
	}
	if err != nil {
		return err
	}
	notice := "Revoked. The launch gate holds, and the next round is open."
	if r.Workload.Stage == workload.Retired {
		notice = "Revoked. The workload is retired, so no round is opened."
	}
	return v.redirect(r.Path()+"/record", notice)
}

func openNextRound(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	r, err := v.Reviews.OpenNextRound(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	return v.redirect(r.Path(), "The next round is open, with the answers kept.")
}

func emergencyPage(v *visit) error {
	w, moved, err := v.workloadByPath("/emergency")
	if err != nil {
		return err
	}
	if moved != "" {
		return v.movedTo(moved)
	}
	return v.showEmergency(http.StatusOK, views.EmergencyPage{Workload: w, Form: review.EmergencyInput{ChangeKey: v.r.URL.Query().Get("change")}})
}

func (v *visit) showEmergency(status int, e views.EmergencyPage) error {
	var err error
	if e.List, err = v.Reviews.EmergenciesOf(v.ctx(), e.Workload.ID); err != nil {
		return err
	}
	e.Now, e.Last = v.Now(), v.Now().AddDate(0, 0, 14).UTC().Format("2 Jan 2006")
	err = v.who.May(identity.Judge, e.Workload.Target())
	e.CanAsk, e.WhyNot = err == nil, fault.MessageOf(err)
	if e.Workload.Tier == 1 && v.who.InTeam(e.Workload.TeamID) {
		e.CanAsk, e.WhyNot = false, "In tier 1 an emergency go needs an approver from outside "+e.Workload.TeamName+"."
	}
	p := v.page("Emergency go of "+e.Workload.Name, "/workloads", workloadCrumbs(e.Workload, "Emergency go")...)
	p.Errors = e.Errors
	return v.render(status, views.Emergency(p, e))
}

func decideEmergency(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	in := review.EmergencyInput{
		ChangeKey: form.Get("change_key"), ChangeTitle: form.Get("change_title"), Reason: form.Get("reason"), Ticket: form.Get("ticket"), EndsOn: form.Get("ends_on"),
	}
	r, err := v.Reviews.DecideEmergency(v.ctx(), v.who, w.ID, in)
	e := views.EmergencyPage{Workload: w, Form: in}
	var bad bool
	if e.Errors, bad = invalid(err); bad {
		return v.showEmergency(http.StatusUnprocessableEntity, e)
	}
	if fault.Is(err, fault.Conflict) {
		e.Problem = fault.MessageOf(err)
		return v.showEmergency(http.StatusConflict, e)
	}
	if err != nil {
		return err
	}
	return v.redirect(r.Path(), "EMERGENCY go. The full review is open: it must be decided before the emergency go ends.")
}

func endEmergency(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	err = v.Reviews.EndEmergency(v.ctx(), v.who, id, form.Get("why"))
	if errs, ok := invalid(err); ok {
		for i := range errs {
			errs[i].Name = "why"
		}
		return v.showEmergency(http.StatusUnprocessableEntity, views.EmergencyPage{Workload: w, EndOf: id.String(), Why: form.Get("why"), Errors: errs})
	}
	if err != nil {
		return err
	}
	return v.redirect("/workloads/"+w.Key+"/emergency", "The emergency go is over. The launch gate holds.")
}

func elsewherePage(v *visit) error {
	w, moved, err := v.workloadByPath("/elsewhere")
	if err != nil {
		return err
	}
	if moved != "" {
		return v.movedTo(moved)
	}
	return v.showElsewhere(http.StatusOK, views.ElsewherePage{Workload: w})
}

func (v *visit) showElsewhere(status int, e views.ElsewherePage) error {
	var err error
	if e.List, err = v.Reviews.OutsideOf(v.ctx(), e.Workload.ID); err != nil {
		return err
	}
	e.Now, e.Me = v.Now(), v.who.PersonID.String()
	e.CanRecord = v.who.May(identity.RecordElsewhere, e.Workload.Target()) == nil && e.Workload.Stage != workload.Retired
	e.CanJudge = v.who.May(identity.Judge, e.Workload.Target()) == nil
	p := v.page("Decided elsewhere: "+e.Workload.Name, "/workloads", workloadCrumbs(e.Workload, "Decided elsewhere")...)
	p.Errors = append(e.Errors, e.FormErrors...)
	return v.render(status, views.Elsewhere(p, e))
}

// elsewhereUpload bounds the form that records a decision made elsewhere: its file is at most
// 10 MB.
const elsewhereUpload = 11 << 20

// takesElsewhere reports whether the request is such a form.
func takesElsewhere(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/workloads/") && strings.HasSuffix(r.URL.Path, "/elsewhere")
}

func recordElsewhere(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	if err := v.who.May(identity.RecordElsewhere, w.Target()); err != nil {
		return err // before a large body is read
	}
	in, err := v.readElsewhere()
	if err == nil {
		_, err = v.Reviews.RecordOutside(v.ctx(), v.who, w.ID, in)
	}
	e := views.ElsewherePage{Workload: w, Form: in}
	var bad bool
	if e.FormErrors, bad = invalid(err); bad {
		return v.showElsewhere(http.StatusUnprocessableEntity, e)
	}
	if fault.Is(err, fault.Conflict) {
		e.Problem = fault.MessageOf(err)
		return v.showElsewhere(http.StatusConflict, e)
	}
	if err != nil {
		return err
	}
	return v.redirect("/workloads/"+w.Key+"/elsewhere", "Recorded. It counts once an approver has confirmed it.")
}

// readElsewhere reads the posted form with its file. Invalid on "file" when it is too large.
func (v *visit) readElsewhere() (in review.OutsideInput, err error) {
	if err := v.r.ParseMultipartForm(1 << 20); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) || errors.Is(err, multipart.ErrMessageTooLarge) {
			return in, fault.InvalidField("file", "Keep the file under 10 MB.")
		}
		return in, fault.Wrap(fault.Invalid, err, "The form could not be read.")
	}
	defer func() { _ = v.r.MultipartForm.RemoveAll() }()
	form := v.r.PostForm
	in = review.OutsideInput{
		Outcome: form.Get("outcome"), DecidedOn: form.Get("decided_on"), DecidedBy: form.Get("decided_by"), ValidUntil: form.Get("valid_until"),
		Link: form.Get("link"), Note: form.Get("note"),
	}
	file, head, err := v.r.FormFile("file")
	if err != nil {
		return in, nil //nolint:nilerr // no file was chosen: a link may do
	}
	defer func() { _ = file.Close() }()
	in.FileName = head.Filename
	if in.File, err = io.ReadAll(file); err != nil {
		return in, fault.InvalidField("file", "The file could not be read. Try again.")
	}
	return in, nil
}

func judgeElsewhere(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	err = v.Reviews.JudgeOutside(v.ctx(), v.who, id, form.Get("verdict"), form.Get("note"))
	e := views.ElsewherePage{Workload: w, Judged: id.String(), Note: form.Get("note")}
	var bad bool
	if e.Errors, bad = invalid(err); bad {
		return v.showElsewhere(http.StatusUnprocessableEntity, e)
	}
	if fault.Is(err, fault.Conflict) {
		e.Problem = fault.MessageOf(err)
		return v.showElsewhere(http.StatusConflict, e)
	}
	if err != nil {
		return err
	}
	notice := "Confirmed. The launch gate answers by it."
	if form.Get("verdict") == review.Refused {
		notice = "Refused. It does not count."
	}
	return v.redirect("/workloads/"+w.Key+"/elsewhere", notice)
}

// elsewhereFile hands the file out to be saved, never to be shown within the site.
func elsewhereFile(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	f, err := v.Reviews.OutsideFile(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("Cache-Control", "no-store")
	_, err = v.w.Write(f.Data)
	return ignoreGone(v, err)
}

// readLaunch fills what stands beside the launch gate on a workload's page.
func (v *visit) readLaunch(p *views.WorkloadPage, w workload.Workload) error {
	p.CanEmergency = v.who.May(identity.Judge, w.Target()) == nil
	p.CanRecord = v.who.May(identity.RecordElsewhere, w.Target()) == nil
	emergencies, err := v.Reviews.EmergenciesOf(v.ctx(), w.ID)
	if err != nil {
		return err
	}
	outside, err := v.Reviews.OutsideOf(v.ctx(), w.ID)
	if err != nil {
		return err
	}
	p.Emergencies, p.Elsewhere = len(emergencies), len(outside)
	for _, o := range outside {
		if o.Verdict() == "" && (p.Gate.DecidedAt == nil || p.Gate.DecidedAt.Before(o.RecordedAt)) {
			p.Waiting++ // one that a later decision took the place of waits for nobody
		}
	}
	return nil
}

// publicKey is a line of the file of keys.
type publicKey struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"alg"`
	PublicKey string    `json:"public_key"` // base64
	FirstUsed time.Time `json:"first_used"`
}

// publicKeys answers with every key that ever signed here. Anyone may check a record.
func publicKeys(v *visit) error {
	keys, err := audit.PublicKeys(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	out := struct {
		Keys []publicKey `json:"keys"`
	}{Keys: []publicKey{}}
	for _, k := range keys {
		out.Keys = append(out.Keys, publicKey{k.ID, k.Algorithm, base64.StdEncoding.EncodeToString(k.PublicKey), k.FirstUsed.UTC()})
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Cache-Control", "no-store")
	return ignoreGone(v, json.NewEncoder(v.w).Encode(out))
}
