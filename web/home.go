package web

import (
	"net/http"

	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/web/views"
)

// homeRoutes show what waits for the reader.
func homeRoutes() []Route {
	return []Route{{"GET", "/", signedIn(home)}}
}

func home(v *visit) error {
	h, err := v.Portfolio.Home(v.ctx(), v.who)
	if err != nil {
		return err
	}
	mentions, total, err := v.Portfolio.Mentions(v.ctx(), v.who)
	if err != nil {
		return err
	}
	notices, _, err := v.Notices.Unread(v.ctx(), v.who)
	if err != nil {
		return err
	}
	followUps, err := v.Incidents.FollowUps(v.ctx(), v.who)
	if err != nil {
		return err
	}
	lessons, err := v.lessonsToJudge()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Home(v.page("My work", "/"), views.HomePage{
		Home: h, Now: v.Now(), HasTeam: len(v.who.Teams) > 0, CanCreate: views.MayCreate(v.who), Mentions: mentions, MentionsTotal: total, Notices: notices,
		FollowUps: followUps, Lessons: lessons,
	}))
}

// lessonsToJudge are the lessons that wait for a curator; nobody else is asked.
func (v *visit) lessonsToJudge() ([]incident.Lesson, error) {
	if v.who.May(identity.JudgeLesson, identity.Target{}) != nil {
		return nil, nil
	}
	list, _, err := v.Incidents.Lessons(v.ctx(), v.who, incident.LessonFilter{State: incident.Proposed, Limit: 100})
	return list, err
}
