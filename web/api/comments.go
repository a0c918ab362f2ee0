package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// Comment is one thing that was said.
type Comment struct {
	ID          uuid.UUID  `json:"id"`
	Thread      uuid.UUID  `json:"thread"`
	ThreadKind  string     `json:"thread_kind" enum:"comment,challenge"`
	ThreadState string     `json:"thread_state" enum:"open,challenged,answered,resolved"`
	Author      Person     `json:"author"`
	Body        string     `json:"body" doc:"Markdown; empty when it was removed."`
	Answers     bool       `json:"answers" doc:"It was given as the answer to a challenge."`
	WrittenAt   time.Time  `json:"written_at"`
	EditedAt    *time.Time `json:"edited_at"`
	RemovedAt   *time.Time `json:"removed_at"`
	HTMLURL     string     `json:"html_url" format:"uri"`
}

// About says what is talked about.
type About struct {
	On string `query:"on" required:"true" enum:"question,item,review"`
	ID string `query:"id" required:"true" maxLength:"300" doc:"Of an item or a review; of a question: review id/questionnaire/question."`
}

type commentsInput struct {
	Listing
	About
}

// NewComment is what a comment is written with.
type NewComment struct {
	On     string `json:"on" enum:"question,item,review"`
	ID     string `json:"id" maxLength:"300" doc:"As in the list."`
	Thread string `json:"thread,omitempty" maxLength:"36" doc:"Id of a thread to reply in; without it a new one begins."`
	Body   string `json:"body" maxLength:"10000" doc:"Markdown. @ and the beginning of a name or address mentions somebody."`
}

type newCommentInput struct {
	Writing
	Body NewComment
}

func (s *server) comments(a huma.API) {
	const tag = "Comments"
	register(a, operation{
		id: "list-comments", method: http.MethodGet, path: "/api/v1/comments", scope: identity.ReadReviews, tag: tag, errors: []int{http.StatusNotFound},
		summary: "List what was said about a question, an item or a review",
	}, s.listComments)
	register(a, operation{
		id: "write-comment", method: http.MethodPost, path: "/api/v1/comments", scope: identity.WriteAnswers, tag: tag, status: http.StatusCreated, errors: []int{http.StatusNotFound},
		summary: "Write a comment", about: "Who may read the workload may. To challenge, resolve and answer a challenge is for people in the portal.",
	}, s.writeComment)
}

func (s *server) said(ctx context.Context, kind, id string) ([]Comment, error) {
	t, err := s.Talk.Target(ctx, actorOf(ctx), kind, id)
	if err != nil {
		return nil, err
	}
	talk, err := s.Talk.Talk(ctx, actorOf(ctx), t)
	if err != nil {
		return nil, err
	}
	var all []Comment
	for _, h := range talk.Threads {
		for _, c := range h.Comments {
			author := c.AuthorID
			all = append(all, Comment{
				ID: c.ID, Thread: h.ID, ThreadKind: h.Kind, ThreadState: h.State, Author: Person{ID: &author, Name: c.Author}, Body: c.Body, Answers: c.Answers,
				WrittenAt: c.WrittenAt.UTC(), EditedAt: utc(c.EditedAt), RemovedAt: utc(c.RemovedAt), HTMLURL: s.html(t.TalkPath()),
			})
		}
	}
	return all, nil
}

func (s *server) listComments(ctx context.Context, in *commentsInput) (*Tagged[Page[Comment]], error) {
	all, err := s.said(ctx, in.On, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data, next, err := cut(in.Listing, all, func(c Comment) string { return c.ID.String() }, func(c Comment) Comment { return c })
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) writeComment(ctx context.Context, in *newCommentInput) (*Written[Comment], error) {
	find := func(id string) (Comment, error) {
		all, err := s.said(ctx, in.Body.On, in.Body.ID)
		for _, c := range all {
			if c.ID.String() == id {
				return c, nil
			}
		}
		if err == nil {
			err = fault.New(fault.NotFound, "There is no such comment.")
		}
		return Comment{}, err
	}
	return write(ctx, s, writing[Comment]{
		do: func() (Comment, error) {
			id, err := s.say(ctx, in.Body)
			if err != nil {
				return Comment{}, err
			}
			return find(id.String())
		},
		again: func(did audit.Did) (Comment, error) { return find(did.TargetID) },
	})
}

// say begins a thread, or replies in one of the target.
func (s *server) say(ctx context.Context, b NewComment) (uuid.UUID, error) {
	who, typed := actorOf(ctx), discussion.Input{Body: b.Body}
	if b.Thread == "" {
		return s.Talk.Start(ctx, who, b.On, b.ID, typed)
	}
	thread, err := uuid.Parse(b.Thread)
	if err == nil {
		t, err := s.Talk.Whereabouts(ctx, who, thread)
		if err == nil && t.Kind == b.On && t.ID == b.ID {
			return s.Talk.Reply(ctx, who, thread, typed)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return uuid.Nil, err
		}
	}
	if _, err := s.Talk.Target(ctx, who, b.On, b.ID); err != nil {
		return uuid.Nil, err
	}
	return uuid.Nil, fault.InvalidField("thread", "There is no such thread about this.")
}
