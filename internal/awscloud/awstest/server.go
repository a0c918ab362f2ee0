// Package awstest is an AWS endpoint of our own for tests, demonstrations and
// measurements: Security Hub, CloudTrail, AWS Config and STS, as far as Orrery reads them,
// and scripted answers of further services.
// It filters and pages as AWS does, answers with faults where it is told to, can enforce
// AWS's rate limit, and keeps a log of every call. Point AWS_ENDPOINT_URL at Server.URL and
// set any keys.
package awstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Call is one request that arrived.
type Call struct {
	Service string // securityhub, cloudtrail, config, sts
	Op      string
	Region  string // as signed
	KeyID   string // the access key it was signed with
	Body    string
	At      time.Time
}

// Fault is an answer in place of the right one.
type Fault struct {
	Status  int             // 400 when zero
	Code    string          // AWS's name of the error
	Message string          //
	Raw     string          // when set, the whole body, sent with Status (200 when zero)
	Drop    bool            // close the connection instead of answering
	Delay   time.Duration   // before answering
	Hold    <-chan struct{} // wait until it is closed before answering
	Forever bool            // answer so from now on, not only once
}

// Server is the endpoint. Its world may be changed at any time by Change.
type Server struct {
	URL string

	http     *http.Server
	listener net.Listener

	mu      sync.Mutex
	world   World
	calls   []Call
	faults  map[string][]Fault
	tokens  map[string]string // page token to the request it belongs to
	limiter map[string]*rate.Limiter
	strict  bool
}

// Start listens on addr ("127.0.0.1:0" for any free port) and serves the world until Close.
func Start(addr string, w World) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for AWS calls: %w", err)
	}
	s := &Server{URL: "http://" + l.Addr().String(), listener: l, world: w,
		faults: map[string][]Fault{}, tokens: map[string]string{}, limiter: map[string]*rate.Limiter{}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }()
	return s, nil
}

// Close stops the server and every answer under way.
func (s *Server) Close() error { return s.http.Close() }

// Change changes the world between two answers.
func (s *Server) Change(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.world)
}

// Strict makes GetFindings answer TooManyRequestsException beyond 3 requests a second
// (burst 6) for an account and Region, as AWS does.
func (s *Server) Strict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strict = true
}

// Fail queues faults for an operation; each is used up by one call, unless Forever.
func (s *Server) Fail(op string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = append(s.faults[op], faults...)
}

// Mend forgets the faults that are left.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = map[string][]Fault{}
}

// Calls returns the log; with ops only the calls of those operations.
func (s *Server) Calls(ops ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c Call) bool {
		return len(ops) > 0 && !slices.Contains(ops, c.Op)
	})
}

// request is one call with its input decoded.
type request struct {
	Call
	in   map[string]any
	body []byte
	wire protocol
}

type protocol int

const (
	restJSON protocol = iota
	json11
	query
	cbor
)

var credential = regexp.MustCompile(`Credential=([^/,]+)/\d{8}/([^/]+)/([^/]+)/aws4_request`)

var restOps = map[string]string{
	"GET /accounts":                   "DescribeHub",
	"POST /findings":                  "GetFindings",
	"POST /standards/get":             "GetEnabledStandards",
	"POST /securityControls/batchGet": "BatchGetSecurityControls",
	"GET /findingAggregator/list":     "ListFindingAggregators",
	"POST /members/get":               "GetMembers",
}

func parse(r *http.Request) (request, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return request{}, err
	}
	q := request{body: body, in: map[string]any{}}
	q.Body, q.At = string(body), time.Now()
	if m := credential.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		q.KeyID, q.Region, q.Service = m[1], m[2], m[3]
	}
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		q.wire, q.Op = json11, target[strings.LastIndexByte(target, '.')+1:]
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(q.Body)
		if err != nil {
			return q, err
		}
		q.wire, q.Op = query, form.Get("Action")
		for k := range form {
			q.in[k] = form.Get(k)
		}
		return q, nil
	case strings.HasPrefix(r.URL.Path, "/service/"):
		q.wire, q.Op = cbor, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		return q, q.readCBOR()
	default:
		q.Op, q.in["Path"] = restOp(r), r.URL.Path
		for k := range r.URL.Query() {
			q.in[k] = r.URL.Query().Get(k)
		}
	}
	if len(body) > 0 {
		err = json.Unmarshal(body, &q.in)
	}
	return q, err
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	q, err := parse(r)
	if err != nil {
		fail(w, q.wire, q.Op, Fault{Code: "SerializationException", Message: err.Error()})
		return
	}
	f, faulty := s.admit(q)
	if faulty {
		if s.misbehave(w, r, q, f) {
			return
		}
	}
	s.mu.Lock()
	out, refused := s.answer(q)
	s.mu.Unlock()
	if refused != nil {
		fail(w, q.wire, q.Op, *refused)
		return
	}
	if text, ok := out.(string); ok {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, text)
		return
	}
	if q.wire == cbor {
		writeCBOR(w, http.StatusOK, out)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}

// admit logs the call and takes the fault that is next for it.
func (s *Server) admit(q request) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, q.Call)
	if queue := s.faults[q.Op]; len(queue) > 0 {
		if !queue[0].Forever {
			s.faults[q.Op] = queue[1:]
		}
		return queue[0], true
	}
	if s.strict && q.Op == "GetFindings" && !s.allow(q.Region) {
		return Fault{Status: 429, Code: "TooManyRequestsException", Message: "Rate exceeded"}, true
	}
	return Fault{}, false
}

func (s *Server) allow(region string) bool {
	l := s.limiter[region]
	if l == nil {
		l = rate.NewLimiter(3, 6)
		s.limiter[region] = l
	}
	return l.Allow()
}

// misbehave plays a fault and reports whether that was the answer.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, q request, f Fault) bool {
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
			return true
		}
	}
	time.Sleep(f.Delay)
	switch {
	case f.Drop:
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
	case f.Raw != "":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(max(f.Status, http.StatusOK))
		_, _ = io.WriteString(w, f.Raw)
	case f.Code != "":
		fail(w, q.wire, q.Op, f)
	default:
		return false // only late
	}
	return true
}

// fail writes an error as the protocol and the operation have it.
func fail(w http.ResponseWriter, wire protocol, op string, f Fault) {
	status := f.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	switch wire {
	case cbor:
		writeCBOR(w, status, map[string]any{"__type": f.Code, "message": f.Message})
	case query:
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `%s`, queryFault(op, f))
	case json11:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": f.Code, "message": f.Message})
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", f.Code)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"Code": f.Code, "Message": f.Message})
	}
}
