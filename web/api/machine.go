package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// Reading are the parameters of everything that is read.
type Reading struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag you have: the answer is 304 while nothing has changed."`
}

// Listing are the parameters of a list.
type Listing struct {
	Reading
	After string `query:"after" maxLength:"2000" doc:"The cursor of the next page, as the page before gave it."`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return at most."`
}

// Writing are the parameters of everything that is made.
type Writing struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" pattern:"^[ -~]+$" doc:"A word of yours for this one act: send it again, and it is not done twice. Known for 7 days."`
}

// Editing are the parameters of everything that is changed.
type Editing struct {
	Writing
	IfMatch string `header:"If-Match" doc:"The ETag of the resource as you read it. Needed: 428 without, 412 when somebody changed it since."`
}

// Tagged is the answer to a read.
type Tagged[T any] struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Link         string `header:"Link"`
	Body         T
}

// Written is the answer to a write.
type Written[T any] struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed"`
	Body     T
}

// Page is a page of a list.
type Page[T any] struct {
	Data []T     `json:"data" nullable:"false"`
	Next *string `json:"next" doc:"Address of the next page; null on the last. The Link header says the same."`
}

// operation is what an address and method do.
type operation struct {
	id, method, path, scope, tag, summary, about string

	status int   // of success; 0: 200
	errors []int // besides those that any request may meet
}

var anyErrors = []int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// register adds the operation. Whoever calls it has shown a token; the scope is checked before
// the handler.
func register[I, O any](a huma.API, o operation, handler func(context.Context, *I) (*O, error)) {
	op := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary, Description: o.about,
		Security: []map[string][]string{{"token": {o.scope}}}, DefaultStatus: o.status, MaxBodyBytes: maxBody,
		Errors: slices.Concat(anyErrors, o.errors),
	}
	if strings.Contains(o.path, "{") {
		op.Errors = append(op.Errors, http.StatusNotFound)
	}
	switch o.method {
	case http.MethodGet:
		op.Responses = map[string]*huma.Response{"304": {Description: "Nothing has changed since the ETag that you sent."}}
	case http.MethodDelete:
		op.Errors = append(op.Errors, http.StatusPreconditionFailed, http.StatusPreconditionRequired, http.StatusConflict, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge)
	case http.MethodPatch, http.MethodPut:
		op.Errors = append(op.Errors, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
		fallthrough
	default:
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	huma.Register(a, op, handler)
}

// checkScope refuses a token without the scope of the operation.
func (s *server) checkScope(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		for _, one := range ctx.Operation().Security {
			for _, scope := range one["token"] {
				if !actorOf(ctx.Context()).Scoped(scope) {
					_ = huma.WriteErr(a, ctx, http.StatusForbidden, "This token lacks the scope "+scope+".")
					return
				}
			}
		}
		next(withMembers(a, ctx))
	}
}

// show answers a read: 304 when the reader has it already.
func show[T any](ctx context.Context, s *server, r Reading, body T) (*Tagged[T], error) {
	tag, err := tagOf(body)
	if err != nil {
		return nil, s.problem(ctx, err, "")
	}
	if matches(r.IfNoneMatch, tag) {
		return nil, huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"Etag": {tag}, "Cache-Control": {"no-cache"}})
	}
	return &Tagged[T]{ETag: tag, CacheControl: "no-cache", Body: body}, nil
}

// list answers a page; next is the cursor of the page after it, empty at the end.
func list[T any](ctx context.Context, s *server, l Listing, data []T, next string) (*Tagged[Page[T]], error) {
	if data == nil {
		data = []T{}
	}
	page := Page[T]{Data: data}
	if next != "" {
		at := urlOf(ctx)
		q := at.Query()
		q.Set("after", next)
		at.RawQuery = q.Encode()
		link := s.PublicURL + at.String()
		page.Next = &link
	}
	out, err := show(ctx, s, l.Reading, page)
	if err == nil && page.Next != nil {
		out.Link = "<" + *page.Next + `>; rel="next"`
	}
	return out, err
}

// cut takes a page out of a list that is short enough to be read whole; key names an element.
func cut[E, T any](l Listing, all []E, key func(E) string, show func(E) T) (page []T, next string, err error) {
	from := 0
	if l.After != "" {
		last, err := base64.RawURLEncoding.DecodeString(l.After)
		at := slices.IndexFunc(all, func(e E) bool { return key(e) == string(last) })
		if err != nil || at < 0 || base64.RawURLEncoding.EncodeToString(last) != l.After {
			return nil, "", fault.InvalidField("after", "This page of the list cannot be found; start again from the first.")
		}
		from = at + 1
	}
	to := min(len(all), from+l.Limit)
	for _, e := range all[from:to] {
		page = append(page, show(e))
	}
	if to < len(all) {
		next = base64.RawURLEncoding.EncodeToString([]byte(key(all[to-1])))
	}
	return page, next, nil
}

// A writing is one act: do does it and returns what to answer, again answers a repeat of it
// from what it acted on.
type writing[T any] struct {
	do    func() (T, error)
	again func(audit.Did) (T, error)
	at    func(T) string // the address of what was made; may be nil
}

// write does the act once for each Idempotency-Key.
func write[T any](ctx context.Context, s *server, w writing[T]) (*Written[T], error) {
	replayed := false
	body, found, err := repeat(ctx, s, w)
	if err == nil && !found {
		if body, err = w.do(); isRepeat(err) {
			body, found, err = repeat(ctx, s, w)
		}
	}
	replayed = found
	if err != nil {
		return nil, s.problem(ctx, err, "body")
	}
	out := &Written[T]{Body: body}
	if out.ETag, err = tagOf(body); err != nil {
		return nil, s.problem(ctx, err, "")
	}
	if w.at != nil {
		out.Location = w.at(body)
	}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// repeat answers from what an earlier request with the same key did, if there was one.
func repeat[T any](ctx context.Context, s *server, w writing[T]) (body T, found bool, err error) {
	who := actorOf(ctx)
	did, found, err := audit.Done(ctx, s.DB, who)
	if err != nil || !found {
		return body, false, err
	}
	if !bytes.Equal(did.Request, who.Once.Request) {
		return body, true, refuse(ctx, http.StatusUnprocessableEntity, "header.Idempotency-Key", "This key was used for another request. Choose a new one.")
	}
	body, err = w.again(did)
	return body, true, err
}

// An edit is one change of one resource: load reads it as it is, show gives what readers are
// given of it, and do changes it.
type edit[D, T any] struct {
	load func() (D, error)
	show func(D) T
	do   func(D) (D, error)
}

// change does the edit on the resource as the writer saw it: 428 without If-Match, 412 when it
// was changed since, also when that happens on the way.
func change[D, T any](ctx context.Context, s *server, in Editing, e edit[D, T]) (*Written[T], error) {
	read := func() (T, error) {
		d, err := e.load()
		if err != nil {
			var none T
			return none, err
		}
		return e.show(d), nil
	}
	return write(ctx, s, writing[T]{
		again: func(audit.Did) (T, error) { return read() },
		do: func() (out T, err error) {
			d, err := e.load()
			if err != nil {
				return out, err
			}
			seen := e.show(d)
			if err := guard(ctx, in.IfMatch, seen); err != nil {
				return out, err
			}
			done, err := e.do(d)
			if fault.Is(err, fault.Conflict) && !isRepeat(err) {
				if now, again := read(); again == nil && guard(ctx, in.IfMatch, now) != nil {
					return out, guard(ctx, in.IfMatch, now)
				}
			}
			if err != nil {
				return out, err
			}
			return e.show(done), nil
		},
	})
}

// Removed is the answer to a removal.
type Removed struct {
	Replayed string `header:"Idempotency-Replayed"`
}

// remove takes a resource away as the writer saw it, once for each Idempotency-Key: a repeat is
// answered like the first. 428 without If-Match, 412 when it was changed since.
func remove[D, T any](ctx context.Context, s *server, in Editing, e edit[D, T], do func(D) error) (*Removed, error) {
	done, err := write(ctx, s, writing[struct{}]{
		again: func(audit.Did) (none struct{}, err error) { return none, nil },
		do: func() (none struct{}, err error) {
			d, err := e.load()
			if err != nil {
				return none, err
			}
			if err := guard(ctx, in.IfMatch, e.show(d)); err != nil {
				return none, err
			}
			return none, do(d)
		},
	})
	if err != nil {
		return nil, err
	}
	return &Removed{Replayed: done.Replayed}, nil
}

// guard refuses a change that was not made on the resource as it is.
func guard(ctx context.Context, ifMatch string, now any) error {
	tag, err := tagOf(now)
	switch {
	case err != nil:
		return err
	case ifMatch == "":
		return refuse(ctx, http.StatusPreconditionRequired, "header.If-Match", "Send the ETag of the resource as you read it in If-Match.")
	case strings.TrimSpace(ifMatch) != "*" && !slices.ContainsFunc(strings.Split(ifMatch, ","), func(one string) bool { return strings.TrimSpace(one) == tag }):
		return refuse(ctx, http.StatusPreconditionFailed, "header.If-Match", "Somebody changed this since you read it. Read it again.")
	}
	return nil
}

// tagOf is a strong tag over the body.
func tagOf(body any) (string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("encode answer: %w", err)
	}
	sum := sha256.Sum256(b)
	return fmt.Sprintf(`"%x"`, sum[:16]), nil
}

// matches reports whether an If-None-Match header names the tag (RFC 9110 section 13.1.2).
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || one == tag {
			return true
		}
	}
	return false
}

// present is a pointer to s, nil when it is empty.
func present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// pathID reads an id in a path; what is none names nothing.
func pathID(s, what string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s {
		return uuid.Nil, fault.New(fault.NotFound, "There is no such %s.", what)
	}
	return id, nil
}

// html is the address of a page.
func (s *server) html(path string) string { return s.PublicURL + path }

type urlKey struct{}

func urlOf(ctx context.Context) url.URL {
	u, _ := ctx.Value(urlKey{}).(url.URL)
	return u
}

// onceOf reads how a repeat of the request is known: its key, and a digest of all it asks.
func onceOf(r *http.Request, body []byte) identity.Once {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.RequestURI(), r.Header.Get("If-Match")} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	h.Write(body)
	return identity.Once{Key: r.Header.Get("Idempotency-Key"), Request: h.Sum(nil), Attempt: uuid.New()}
}

func isRepeat(err error) bool { return errors.Is(err, audit.ErrRepeated) }
