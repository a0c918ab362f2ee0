package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
)

// Questionnaire is a set with its newest version.
type Questionnaire struct {
	Key       string  `json:"key"`
	Name      string  `json:"name"`
	Origin    string  `json:"origin" enum:"shipped,organisation"`
	Versions  int     `json:"versions" doc:"How many were published."`
	Newest    Version `json:"newest"`
	Questions int     `json:"questions"`
	Warnings  int     `json:"warnings" doc:"What a check of the newest version finds; none of it refuses it."`
	HTMLURL   string  `json:"html_url" format:"uri"`
}

// Version is a published version of a set. It never changes.
type Version struct {
	ID          uuid.UUID `json:"id"`
	Key         string    `json:"key"`
	Version     string    `json:"version"`
	SHA256      string    `json:"sha256" doc:"Of the file."`
	PublishedAt time.Time `json:"published_at"`
	PublishedBy *string   `json:"published_by"`
	HTMLURL     string    `json:"html_url" format:"uri"`
}

// Finding is one thing that a check finds in a file.
type Finding struct {
	Severity string `json:"severity" enum:"error,warning"`
	Code     string `json:"code"`
	Path     string `json:"path" doc:"Such as sections[2].questions[5]; empty for the file as a whole."`
	Line     int    `json:"line" doc:"From 1; 0 when there is no place."`
	Column   int    `json:"column"`
	Message  string `json:"message"`
	Mend     string `json:"mend" doc:"What mends it."`
}

type listingInput struct{ Listing }

type setInput struct {
	Reading
	Key string `path:"key" maxLength:"40"`
}

type setListInput struct {
	Listing
	Key string `path:"key" maxLength:"40"`
}

type versionInput struct {
	Reading
	Key     string `path:"key" maxLength:"40"`
	Version string `path:"version" maxLength:"40" doc:"Such as 1.2.0."`
}

type versionListInput struct {
	Listing
	Key     string `path:"key" maxLength:"40"`
	Version string `path:"version" maxLength:"40"`
}

func (s *server) questionnaires(a huma.API) {
	const tag, base = "Questionnaires", "/api/v1/questionnaires"
	register(a, operation{id: "list-questionnaires", method: http.MethodGet, path: base, scope: identity.ReadReviews, tag: tag, summary: "List questionnaires"}, s.listSets)
	register(a, operation{id: "get-questionnaire", method: http.MethodGet, path: base + "/{key}", scope: identity.ReadReviews, tag: tag, summary: "Read a questionnaire"}, s.getSet)
	register(a, operation{id: "list-versions", method: http.MethodGet, path: base + "/{key}/versions", scope: identity.ReadReviews, tag: tag, summary: "List its versions", about: "Newest first."}, s.listVersions)
	register(a, operation{id: "get-version", method: http.MethodGet, path: base + "/{key}/versions/{version}", scope: identity.ReadReviews, tag: tag, summary: "Read a version"}, s.getVersion)
	register(a, operation{id: "lint-version", method: http.MethodGet, path: base + "/{key}/versions/{version}/findings", scope: identity.ReadReviews, tag: tag, summary: "Check a version", about: "What could be better in it."}, s.lintVersion)
	register(a, operation{id: "export-version", method: http.MethodGet, path: base + "/{key}/versions/{version}/file", scope: identity.ReadReviews, tag: tag, summary: "Export a version", about: "As a file of Orrery, or as a custom lens of the AWS Well-Architected Tool."}, s.exportVersion)
	register(a, operation{
		id: "check-questionnaire", method: http.MethodPost, path: "/api/v1/questionnaire-checks", scope: identity.WriteQuestionnaires, tag: tag,
		summary: "Check a file before it is imported", about: "A dry run: says what would come of an import, and writes nothing. Curators may.",
	}, s.checkUpload)
	register(a, operation{
		id: "import-questionnaire", method: http.MethodPost, path: base, scope: identity.WriteQuestionnaires, tag: tag, status: http.StatusCreated,
		summary: "Import a questionnaire", about: "Publishes a file as a version of a set of the organisation. Curators may.",
	}, s.importSet)
}

func (s *server) listSets(ctx context.Context, in *listingInput) (*Tagged[Page[Questionnaire]], error) {
	sets, err := s.Library.Sets(ctx, s.DB)
	if err != nil {
		return nil, s.problem(ctx, err, "")
	}
	data, next, err := cut(in.Listing, sets, func(o questionnaire.Set) string { return o.Key }, s.set)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) set(o questionnaire.Set) Questionnaire {
	return Questionnaire{
		Key: o.Key, Name: o.Questionnaire.Name, Origin: o.Origin, Versions: o.Versions, Newest: s.version(o.Published),
		Questions: len(o.Questionnaire.Questions()), Warnings: o.Warnings, HTMLURL: s.html("/questionnaires/" + o.Key),
	}
}

func (s *server) version(p questionnaire.Published) Version {
	return Version{
		ID: p.ID, Key: p.Key, Version: p.Version, SHA256: hex.EncodeToString(p.SHA256), PublishedAt: p.PublishedAt.UTC(), PublishedBy: present(p.PublishedBy),
		HTMLURL: s.html("/questionnaires/" + p.Key + "?version=" + p.Version),
	}
}

func errNoSet() error { return fault.New(fault.NotFound, "There is no such questionnaire.") }

func (s *server) getSet(ctx context.Context, in *setInput) (*Tagged[Questionnaire], error) {
	sets, err := s.Library.Sets(ctx, s.DB)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	for _, o := range sets {
		if o.Key == in.Key {
			return show(ctx, s, in.Reading, s.set(o))
		}
	}
	return nil, s.problem(ctx, errNoSet(), "path")
}

func (s *server) listVersions(ctx context.Context, in *setListInput) (*Tagged[Page[Version]], error) {
	versions, err := s.Library.Versions(ctx, s.DB, in.Key)
	if err == nil && len(versions) == 0 {
		err = errNoSet()
	}
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	data, next, err := cut(in.Listing, versions, func(p questionnaire.Published) string { return p.ID.String() }, s.version)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) getVersion(ctx context.Context, in *versionInput) (*Tagged[Version], error) {
	p, err := s.Library.Newest(ctx, s.DB, in.Key, in.Version)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.version(p))
}

func (s *server) lintVersion(ctx context.Context, in *versionListInput) (*Tagged[Page[Finding]], error) {
	p, err := s.Library.Newest(ctx, s.DB, in.Key, in.Version)
	var found []questionnaire.Problem
	if err == nil {
		found, err = s.Library.Warnings(ctx, s.DB, p.ID)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	data, next, err := cut(in.Listing, found, func(p questionnaire.Problem) string { return p.Code + p.Path + p.Message }, findingOf)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func findingOf(p questionnaire.Problem) Finding {
	return Finding{Severity: string(p.Severity), Code: p.Code, Path: p.Path, Line: p.Line, Column: p.Column, Message: p.Message, Mend: p.Mend}
}

type exportInput struct {
	Reading
	Key     string `path:"key" maxLength:"40"`
	Version string `path:"version" maxLength:"40" doc:"Such as 1.2.0."`
	Format  string `query:"format" enum:"yaml,aws" default:"yaml"`
}

// File is a questionnaire as a file.
type File struct {
	Name    string    `json:"name"`
	Content string    `json:"content"`
	Lost    []Finding `json:"lost" nullable:"false" doc:"What the format cannot hold."`
	HTMLURL string    `json:"html_url" format:"uri" doc:"Page of the questionnaire."`
}

func (s *server) exportVersion(ctx context.Context, in *exportInput) (*Tagged[File], error) {
	p, err := s.Library.Newest(ctx, s.DB, in.Key, in.Version)
	var set *questionnaire.Questionnaire
	if err == nil {
		set, err = s.Library.Version(ctx, s.DB, p.ID)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	f := File{Name: p.Key + ".yaml", Lost: []Finding{}, HTMLURL: s.html("/questionnaires/" + p.Key)}
	var content []byte
	if in.Format == "aws" {
		var loss []questionnaire.Problem
		if content, loss, err = questionnaire.ExportAWS(set); err != nil {
			err = fault.Wrap(fault.Invalid, err, "This version cannot become a custom lens of AWS as it is.")
		}
		f.Name = p.Key + ".json"
		for _, one := range loss {
			f.Lost = append(f.Lost, findingOf(one))
		}
	} else {
		content, err = questionnaire.ExportYAML(set)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	f.Content = string(content)
	return show(ctx, s, in.Reading, f)
}

// Upload is a file to import.
type Upload struct {
	Name    string `json:"name" minLength:"1" maxLength:"200" doc:"Of the file; it ends in .yaml or .json."`
	Content string `json:"content" maxLength:"3000000"`
	Key     string `json:"key,omitempty" maxLength:"40" doc:"For an AWS lens, which has no key of its own."`
	Version string `json:"version,omitempty" maxLength:"40" doc:"For an AWS lens; without it the next number."`
}

func (u Upload) upload() questionnaire.Upload {
	return questionnaire.Upload{Name: u.Name, Data: []byte(u.Content), Key: u.Key, Version: u.Version}
}

// Proposal is what would come of an import.
type Proposal struct {
	Fits     bool      `json:"fits" doc:"Whether it would be published."`
	Key      *string   `json:"key"`
	Version  *string   `json:"version"`
	Current  *string   `json:"current_version" doc:"The newest version there is."`
	Major    bool      `json:"major" doc:"Something was added, removed or scored anew: answers need a look."`
	Refusals []string  `json:"refusals" nullable:"false"`
	Findings []Finding `json:"findings" nullable:"false"`
}

type uploadInput struct {
	Writing
	Body Upload
}

type checkUploadInput struct{ Body Upload }

// Answered is an answer without a tag.
type Answered[T any] struct{ Body T }

func (s *server) checkUpload(ctx context.Context, in *checkUploadInput) (*Answered[Proposal], error) {
	p, err := s.Library.Propose(ctx, actorOf(ctx), in.Body.upload())
	if err != nil {
		return nil, s.problem(ctx, err, "body")
	}
	out := Proposal{Fits: p.Fits(), Major: p.Difference.Major, Refusals: some(p.Refusals), Findings: []Finding{}, Current: present(p.Current.Version)}
	if p.Set != nil {
		out.Key, out.Version = present(p.Set.Key), present(p.Set.Version)
	}
	for _, one := range p.Problems {
		out.Findings = append(out.Findings, findingOf(one))
	}
	return &Answered[Proposal]{out}, nil
}

func (s *server) importSet(ctx context.Context, in *uploadInput) (*Written[Version], error) {
	return write(ctx, s, writing[Version]{
		do: func() (Version, error) {
			p, err := s.Library.Import(ctx, actorOf(ctx), in.Body.upload())
			return s.version(p), err
		},
		again: func(did audit.Did) (Version, error) {
			id, err := pathID(did.TargetID, "version")
			if err != nil {
				return Version{}, err
			}
			set, err := s.Library.Version(ctx, s.DB, id)
			if err != nil {
				return Version{}, err
			}
			p, err := s.Library.Newest(ctx, s.DB, set.Key, set.Version)
			return s.version(p), err
		},
		at: func(v Version) string { return "/api/v1/questionnaires/" + v.Key + "/versions/" + v.Version },
	})
}
