package web

import (
	"net/http"

	"orrery/internal/identity"
	"orrery/internal/notify"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// noticeRoutes show a person's notices, and say how they come.
func noticeRoutes() []Route {
	return []Route{
		{"GET", "/notices", signedIn(noticeList)},
		{"POST", "/notices/read", signedIn(readNotices)},
		{"POST", "/notices/pace", signedIn(savePace)},
		{"POST", "/notices/{id}", signedIn(openNotice)},
		{"GET", "/teams/{key}/chat", signedIn(chatPage)},
		{"POST", "/teams/{key}/chat", signedIn(saveChat)},
	}
}

func noticeList(v *visit) error { return v.showNotices(http.StatusOK, "", nil) }

func (v *visit) showNotices(status int, pace string, errs ui.FieldErrors) error {
	page := views.NoticesPage{After: v.r.URL.Query().Get("after"), MailOn: v.Notices.MailOn(), Pace: pace, Now: v.Now()}
	var err error
	if page.List, page.Next, err = v.Notices.List(v.ctx(), v.who, page.After); err != nil {
		return err
	}
	if pace == "" {
		if page.Pace, err = v.Notices.Pace(v.ctx(), v.who); err != nil {
			return err
		}
	}
	p := v.page("Notices", "")
	p.Errors = errs
	return v.render(status, views.Notices(p, page))
}

// openNotice marks a notice as read and leads to what it is about.
func openNotice(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	to, err := v.Notices.Read(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	return v.redirect(localPath(to), "")
}

func readNotices(v *visit) error {
	if err := v.Notices.ReadAll(v.ctx(), v.who); err != nil {
		return err
	}
	return v.redirect("/notices", "All notices are read.")
}

func savePace(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	err = v.Notices.SavePace(v.ctx(), v.who, form.Get("pace"))
	if status, errs, again := refused(err); again {
		return v.showNotices(status, form.Get("pace"), errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/notices", "It is saved how mail comes.")
}

func chatPage(v *visit) error {
	t, err := v.Identity.Team(v.ctx(), v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.showChat(http.StatusOK, t, nil, nil)
}

func (v *visit) showChat(status int, t identity.Team, typed *notify.ChannelInput, errs ui.FieldErrors) error {
	c, err := v.Notices.Channel(v.ctx(), v.who, t.ID)
	if err != nil {
		return err
	}
	page := views.ChatPage{Team: t, Channel: c, Kind: c.Kind, Active: c.Active || c.Kind == ""}
	if page.Kind == "" {
		page.Kind = notify.Slack
	}
	if typed != nil {
		page.Kind, page.URL, page.Active = typed.Kind, typed.URL, typed.Active
	}
	p := v.page("Chat of "+t.Name, "/teams", ui.Link{Text: "Teams", Href: "/teams"}, ui.Link{Text: t.Name, Href: "/teams/" + t.Key}, ui.Link{Text: "Chat"})
	p.Errors = errs
	return v.render(status, views.Chat(p, page))
}

func saveChat(v *visit) error {
	t, err := v.Identity.Team(v.ctx(), v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	in := notify.ChannelInput{Kind: form.Get("kind"), URL: form.Get("url"), Active: form.Get("active") == "1"}
	err = v.Notices.SaveChannel(v.ctx(), v.who, t.ID, in)
	if status, errs, again := refused(err); again {
		return v.showChat(status, t, &in, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/teams/"+t.Key+"/chat", "The chat is saved.")
}
