package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// talkRoutes are the comments and files of each kind of target, and what one does to them.
func talkRoutes() []Route {
	routes := []Route{
		{"POST", "/threads/{id}/replies", signedIn(replyToThread)},
		{"POST", "/threads/{id}/state", signedIn(moveThread)},
		{"GET", "/comments/{id}", signedIn(findComment)},
		{"GET", "/comments/{id}/edit", signedIn(editCommentPage)},
		{"POST", "/comments/{id}/edit", signedIn(editComment)},
		{"POST", "/comments/{id}/remove", signedIn(removeComment)},
		{"GET", "/files/{id}", signedIn(downloadFile)},
		{"POST", "/files/{id}/remove", signedIn(removeFile)},
		{"POST", "/mentions/read", signedIn(readMentions)},
	}
	for kind, path := range map[string]string{
		discussion.OnQuestion: "/reviews/{id}/q/{set}/{question}", discussion.OnReview: "/reviews/{id}", discussion.OnItem: "/items/{id}",
	} {
		routes = append(routes,
			Route{"GET", path + "/talk", signedIn(onTarget(kind, talkPage))},
			Route{"POST", path + "/talk", signedIn(onTarget(kind, startThread))},
			Route{"POST", path + talkFiles, uploading(onTarget(kind, addAttachment))})
	}
	return routes
}

// onTarget names the target of the address to a handler.
func onTarget(kind string, h func(v *visit, kind, id string) error) handler {
	return func(v *visit) error {
		id := v.r.PathValue("id")
		if kind == discussion.OnQuestion {
			id += "/" + v.r.PathValue("set") + "/" + v.r.PathValue("question")
		}
		return h(v, kind, id)
	}
}

// talkOfQuestion reads the talk of a question that was loaded for the reader.
func (v *visit) talkOfQuestion(q review.QuestionPage) (views.TalkPage, error) {
	return v.talkOf(discussion.Target{
		Kind: discussion.OnQuestion, ID: discussion.QuestionID(q.ID, q.Entry.Questionnaire, q.Entry.Question.ID), Title: q.Entry.Question.Title,
		Path: q.QuestionPath(q.Entry), WorkloadID: q.Workload.ID, WorkloadKey: q.Workload.Key, WorkloadName: q.Workload.Name, TeamID: q.Workload.TeamID,
		TeamName: q.Workload.TeamName, Restricted: q.Workload.Restricted, ReviewID: q.ID, RoundState: q.Round.State, Choices: q.Entry.Question.Choices,
	})
}

// talkOfItem reads the talk of an item.
func (v *visit) talkOfItem(it remediation.Item) (views.TalkPage, error) {
	t, err := v.Talk.Target(v.ctx(), v.who, discussion.OnItem, it.ID.String())
	if err != nil {
		return views.TalkPage{}, err
	}
	return v.talkOf(t)
}

func (v *visit) talkOf(t discussion.Target) (views.TalkPage, error) {
	talk, err := v.Talk.Talk(v.ctx(), v.who, t)
	return views.TalkPage{Talk: talk, Now: v.Now()}, err
}

func talkPage(v *visit, kind, id string) error {
	return v.showTalk(http.StatusOK, kind, id, views.TalkForm{})
}

// showTalk shows a target's talk alone, with a refused form as it was typed.
func (v *visit) showTalk(status int, kind, id string, f views.TalkForm) error {
	t, err := v.Talk.Target(v.ctx(), v.who, kind, id)
	if err != nil {
		return err
	}
	page, err := v.talkOf(t)
	if err != nil {
		return err
	}
	page.Form = f
	p := v.page("Comments: "+t.Title, "", ui.Link{Text: t.WorkloadName, Href: "/workloads/" + t.WorkloadKey}, ui.Link{Text: t.Title, Href: t.Path}, ui.Link{Text: "Comments"})
	p.Errors = f.Errors
	return v.render(status, views.TalkAlone(p, page))
}

// refused shows a form again for what a person can mend: fields, or a state that moved on.
// Any other error is returned.
func (v *visit) refused(err error, kind, id string, f views.TalkForm) error {
	errs, bad := invalid(err)
	switch {
	case bad:
		f.Errors = errs
		return v.showTalk(http.StatusUnprocessableEntity, kind, id, f)
	case fault.Is(err, fault.Conflict):
		f.Problem = fault.MessageOf(err)
		return v.showTalk(http.StatusConflict, kind, id, f)
	}
	return err
}

func readComment(form url.Values) discussion.Input {
	return discussion.Input{Body: form.Get("body"), Notify: form["notify"], Challenge: form.Has("challenge"), Answers: form.Has("answers")}
}

func startThread(v *visit, kind, id string) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := readComment(form)
	comment, err := v.Talk.Start(v.ctx(), v.who, kind, id, in)
	if err != nil {
		return v.refused(err, kind, id, views.TalkForm{For: views.NewThread, Input: in})
	}
	notice := "The comment is there."
	if in.Challenge {
		notice = "The challenge is raised."
	}
	return v.toComment(comment, notice)
}

// toComment leads to a comment where it stands.
func (v *visit) toComment(id uuid.UUID, notice string) error {
	t, err := v.Talk.Whereabouts(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	return v.redirect(views.TalkHome(t)+"#"+views.CommentAnchor(id.String()), notice)
}

func replyToThread(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	t, err := v.Talk.Whereabouts(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	in := readComment(form)
	comment, err := v.Talk.Reply(v.ctx(), v.who, id, in)
	if err != nil {
		return v.refused(err, t.Kind, t.ID, views.TalkForm{For: id.String(), Input: in})
	}
	notice := "The reply is there."
	if in.Answers {
		notice = "The challenge is answered. Who raised it resolves it, or challenges again."
	}
	return v.redirect(views.TalkHome(t)+"#"+views.CommentAnchor(comment.String()), notice)
}

var movedNotices = map[string]string{
	discussion.Resolved: "The thread is resolved.", discussion.Open: "The thread is open again.", discussion.Challenged: "The challenge stands again.",
}

func moveThread(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	t, err := v.Talk.Whereabouts(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	to := form.Get("to")
	if err := v.Talk.Move(v.ctx(), v.who, id, to); err != nil {
		return v.refused(err, t.Kind, t.ID, views.TalkForm{})
	}
	return v.redirect(views.TalkHome(t)+"#talk", movedNotices[to])
}

// findComment leads a link to a comment to where it stands now.
func findComment(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.toComment(id, "")
}

func editCommentPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showEdit(http.StatusOK, id, nil, "", nil)
}

// showEdit shows the form of a comment, as it is or as it was typed.
func (v *visit) showEdit(status int, id uuid.UUID, typed *string, problem string, errs ui.FieldErrors) error {
	said, t, err := v.Talk.Own(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	e := views.EditPage{Said: said, Target: t, Form: said.Body, Problem: problem}
	if typed != nil {
		e.Form = *typed
	}
	p := v.page("Edit your comment", "", ui.Link{Text: t.WorkloadName, Href: "/workloads/" + t.WorkloadKey}, ui.Link{Text: t.Title, Href: views.TalkHome(t)}, ui.Link{Text: "Edit"})
	p.Errors = errs
	return v.render(status, views.EditComment(p, e))
}

func editComment(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	body := form.Get("body")
	version, _ := strconv.Atoi(form.Get("version")) // a version nobody wrote is 0, which is stale
	err = v.Talk.Edit(v.ctx(), v.who, id, version, body)
	if errs, bad := invalid(err); bad {
		return v.showEdit(http.StatusUnprocessableEntity, id, &body, "", errs)
	}
	if fault.Is(err, fault.Conflict) {
		return v.showEdit(http.StatusConflict, id, &body, fault.MessageOf(err), nil)
	}
	if err != nil {
		return err
	}
	return v.toComment(id, "The comment is edited.")
}

func removeComment(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	if err := v.Talk.Remove(v.ctx(), v.who, id); err != nil {
		return err
	}
	return v.toComment(id, "The comment is removed. That it was there stays to be seen.")
}

// readMentions marks the mentions of the form as read.
func readMentions(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	for _, word := range form["comment"] {
		if id, err := uuid.Parse(strings.TrimSpace(word)); err == nil && len(ids) < 100 {
			ids = append(ids, id)
		}
	}
	if err := v.Talk.ReadMentions(v.ctx(), v.who, ids); err != nil {
		return err
	}
	return v.redirect("/", "Marked as read.")
}
