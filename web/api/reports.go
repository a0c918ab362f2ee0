package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/report"
)

// PDF is a report that was asked for.
type PDF struct {
	ID       uuid.UUID  `json:"id"`
	Review   uuid.UUID  `json:"review"`
	Round    int        `json:"round"`
	Options  string     `json:"options" enum:"full,readout,risks"`
	Comments bool       `json:"comments"`
	State    string     `json:"state" enum:"queued,running,done,failed"`
	Problem  *string    `json:"problem" doc:"Why it failed."`
	Name     *string    `json:"name" doc:"Of the file."`
	Size     int        `json:"size" doc:"Bytes; 0 until it is done."`
	File     *string    `json:"file" format:"uri" doc:"Where the file is, with the same token; null until it is done."`
	AskedAt  time.Time  `json:"asked_at"`
	DoneAt   *time.Time `json:"done_at"`
	EndsAt   time.Time  `json:"ends_at" doc:"It is kept until then."`
	HTMLURL  string     `json:"html_url" format:"uri" doc:"Page of the review."`
}

// NewPDF is what is asked for.
type NewPDF struct {
	Options  string `json:"options,omitempty" enum:"full,readout,risks" default:"full" doc:"full: everything; readout: one page; risks: that and what is medium or high."`
	Comments bool   `json:"comments,omitempty" doc:"Print what people said, in the full one."`
	Round    int    `json:"round,omitempty" minimum:"1" maximum:"10000" doc:"Number of the round; without it the newest."`
}

type newPDFInput struct {
	Writing
	ID   string `path:"id" maxLength:"36" doc:"Id of the review."`
	Body NewPDF
}

type pdfInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

// Bytes is a file.
type Bytes struct {
	ContentType  string `header:"Content-Type"`
	Disposition  string `header:"Content-Disposition"`
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

func (s *server) reports(a huma.API) {
	const tag, one = "Reports", "/api/v1/reports/{id}"
	register(a, operation{
		id: "ask-report", method: http.MethodPost, path: "/api/v1/reviews/{id}/reports", scope: identity.ReadReviews, tag: tag, status: http.StatusAccepted,
		summary: "Ask for a PDF of a round", about: "Answers at once; read the report at its Location until its state is done or failed. Who may read the review may.",
	}, s.askReport)
	register(a, operation{
		id: "get-report", method: http.MethodGet, path: one, scope: identity.ReadReviews, tag: tag,
		summary: "Read how a PDF stands", about: "For who asked for it. It is kept for 24 hours, then 404.",
	}, s.getReport)
	register(a, operation{
		id: "get-report-file", method: http.MethodGet, path: one + "/file", scope: identity.ReadReviews, tag: tag, errors: []int{http.StatusConflict},
		summary: "Get the PDF", about: "409 while it is not done.",
	}, s.getReportFile)
	a.OpenAPI().Paths[one+"/file"].Get.Responses["200"].Content = map[string]*huma.MediaType{
		"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
}

func (s *server) askReport(ctx context.Context, in *newPDFInput) (*Written[PDF], error) {
	b := in.Body
	return write(ctx, s, writing[PDF]{
		do: func() (PDF, error) {
			id, err := pathID(in.ID, "review")
			if err != nil {
				return PDF{}, err
			}
			o, err := s.Reports.Ask(ctx, actorOf(ctx), id, report.Wish{Round: b.Round, Extent: report.Extent(b.Options), Comments: b.Comments})
			return s.pdf(o), err
		},
		again: func(did audit.Did) (PDF, error) {
			o, err := s.loadReport(ctx, did.TargetID)
			return s.pdf(o), err
		},
		at: func(p PDF) string { return "/api/v1/reports/" + p.ID.String() },
	})
}

func (s *server) loadReport(ctx context.Context, id string) (report.Order, error) {
	known, err := pathID(id, "report")
	if err != nil {
		return report.Order{}, err
	}
	return s.Reports.Order(ctx, actorOf(ctx), known)
}

func (s *server) getReport(ctx context.Context, in *pdfInput) (*Tagged[PDF], error) {
	o, err := s.loadReport(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.pdf(o))
}

func (s *server) getReportFile(ctx context.Context, in *pdfInput) (*Bytes, error) {
	o, err := s.loadReport(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	tag := `"` + o.ID.String() + `"` // a report is made once
	if o.State == report.Done && matches(in.IfNoneMatch, tag) {
		return nil, huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"Etag": {tag}, "Cache-Control": {"no-cache"}})
	}
	o, file, err := s.Reports.File(ctx, actorOf(ctx), o.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return &Bytes{ContentType: "application/pdf", Disposition: "attachment; filename=" + strconv.Quote(o.Name), ETag: tag, CacheControl: "no-cache", Body: file}, nil
}

func (s *server) pdf(o report.Order) PDF {
	out := PDF{
		ID: o.ID, Review: o.ReviewID, Round: o.Round, Options: string(o.Extent), Comments: o.Comments, State: o.State, Problem: present(o.Problem), Name: present(o.Name),
		Size: o.Size, AskedAt: o.AskedAt.UTC(), DoneAt: utc(o.DoneAt), EndsAt: o.EndsAt.UTC(), HTMLURL: s.html("/reviews/" + o.ReviewID.String()),
	}
	if o.State == report.Done {
		file := s.html("/api/v1/reports/" + o.ID.String() + "/file")
		out.File = &file
	}
	return out
}
