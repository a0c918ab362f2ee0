// Package trackertest has doubles of Jira Cloud and GitHub that answer in the documented
// shapes, as far as tickets go.
package trackertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Double is a tracker that is not one.
type Double struct {
	*httptest.Server
	mu      sync.Mutex
	now     time.Time
	issues  []*Issue
	calls   []string
	fail    map[string]int // status by the beginning of "METHOD path", once
	lose    bool           // the next ticket is made, and its answer lost
	stuck   bool           // the workflow has no steps
	screens bool           // every step asks for more
	user    string
	token   string
	project string
}

// Issue is a ticket of a double.
type Issue struct {
	Key     string
	Number  int
	Title   string
	Body    string
	Labels  []string
	Closed  bool
	Status  string          // Jira's
	Reason  string          // GitHub's, of a closed one
	Links   map[string]bool // resolved, by global id
	Updated time.Time
	Indexed bool // Jira's search knows it
}

const jiraTime = "2006-01-02T15:04:05.000-0700"

// NewJira starts a double of Jira Cloud with the project PAY, for the account
// bot@example.org with the token "secret".
func NewJira(t testing.TB) *Double {
	t.Helper()
	return start(t, &Double{project: "PAY", user: "bot@example.org", token: "secret"}, (*Double).jira)
}

// NewGitHub starts a double of GitHub with the repository acme/payments, for the token "secret".
func NewGitHub(t testing.TB) *Double {
	t.Helper()
	return start(t, &Double{project: "acme/payments", token: "secret"}, (*Double).gitHub)
}

func start(t testing.TB, d *Double, serve func(*Double, http.ResponseWriter, *http.Request)) *Double {
	d.now, d.fail = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), map[string]int{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		call := r.Method + " " + r.URL.Path
		d.calls = append(d.calls, call)
		for begin, status := range d.fail {
			if strings.HasPrefix(call, begin) {
				delete(d.fail, begin)
				w.WriteHeader(status)
				return
			}
		}
		if !d.known(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		serve(d, w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *Double) known(r *http.Request) bool {
	if d.user != "" {
		user, token, ok := r.BasicAuth()
		return ok && user == d.user && token == d.token
	}
	return r.Header.Get("Authorization") == "Bearer "+d.token
}

// Fail answers the next call that begins with the words, "POST /rest/api/3/issue", with a status.
func (d *Double) Fail(begin string, status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail[begin] = status
}

// LoseAnswer makes the next ticket and answers 502 all the same.
func (d *Double) LoseAnswer() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lose = true
}

// Index lets Jira's search find what was made until now: it lags behind, by minutes at times.
func (d *Double) Index() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, i := range d.issues {
		i.Indexed = true
	}
}

// Changes counts the calls that change a ticket.
func (d *Double) Changes() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		if strings.HasPrefix(c, "PATCH ") || strings.HasPrefix(c, "POST ") && strings.HasSuffix(c, "/transitions") {
			n++
		}
	}
	return n
}

// Issues are the tickets as they are now.
func (d *Double) Issues() []Issue {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]Issue, len(d.issues))
	for i, one := range d.issues {
		list[i] = *one
	}
	return list
}

// Set closes or opens a ticket, as a person in the tracker would, and returns the body of
// the webhook that the tracker sends for it.
func (d *Double) Set(number int, closed bool) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, i := range d.issues {
		if i.Number == number {
			i.close(closed)
			return d.hook(d.touch(i))
		}
	}
	return nil
}

// Hook is the body of the webhook that the tracker sends for a ticket as it is now.
func (d *Double) Hook(number int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hook(d.issues[number-1])
}

func (d *Double) hook(i *Issue) []byte {
	if d.user != "" {
		b, _ := json.Marshal(map[string]any{"timestamp": d.now.UnixMilli(), "webhookEvent": "jira:issue_updated", "issue": d.jiraIssue(i)})
		return b
	}
	b, _ := json.Marshal(map[string]any{"action": "edited", "issue": d.gitHubIssue(i), "repository": map[string]string{"full_name": d.project}})
	return b
}

// Workflow says of Jira whether it offers no steps, and whether each asks for more.
func (d *Double) Workflow(stuck, screens bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stuck, d.screens = stuck, screens
}

func (i *Issue) close(closed bool) {
	i.Closed, i.Status, i.Reason = closed, "To Do", ""
	if closed {
		i.Status, i.Reason = "Done", "completed"
	}
}

// Sign is the signature of a webhook's body, as trackers write it.
func Sign(secret string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = h.Write(body)
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// JiraHeader are the headers of a webhook with an id.
func JiraHeader(secret, id string, body []byte) http.Header {
	return http.Header{"X-Hub-Signature": {Sign(secret, body)}, "X-Atlassian-Webhook-Identifier": {id}, "Content-Type": {"application/json"}}
}

// GitHubHeader are the headers of a webhook about issues.
func GitHubHeader(secret, id string, body []byte) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set("X-Hub-Signature-256", Sign(secret, body))
	h.Set("X-GitHub-Delivery", id)
	h.Set("X-GitHub-Event", "issues")
	return h
}

func (d *Double) touch(i *Issue) *Issue {
	d.now = d.now.Add(time.Minute)
	i.Updated = d.now
	return i
}

func (d *Double) add(key, title, body string, labels []string) *Issue {
	n := len(d.issues) + 1
	if key == "" {
		key = strconv.Itoa(n)
	}
	i := d.touch(&Issue{Key: strings.ReplaceAll(key, "%", strconv.Itoa(n)), Number: n, Title: title, Body: body, Labels: labels, Status: "To Do", Links: map[string]bool{}})
	d.issues = append(d.issues, i)
	return i
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (d *Double) jiraIssue(i *Issue) map[string]any {
	return map[string]any{"id": strconv.Itoa(10000 + i.Number), "key": i.Key, "fields": map[string]any{
		"status": jiraStatus(i.Status), "updated": i.Updated.Format(jiraTime),
	}}
}

func jiraStatus(name string) map[string]any {
	category := map[string]string{"To Do": "new", "In Progress": "indeterminate"}[name]
	if category == "" {
		category = "done"
	}
	return map[string]any{"name": name, "statusCategory": map[string]string{"key": category}}
}

// steps are the transitions that the workflow offers: the one to "Done" is not the first.
func (d *Double) steps(i *Issue) []map[string]any {
	list := []map[string]any{}
	offer := func(id, to string) {
		list = append(list, map[string]any{"id": id, "name": "To " + to, "hasScreen": d.screens, "isAvailable": true, "to": jiraStatus(to)})
	}
	switch {
	case d.stuck:
	case i.Closed:
		offer("21", "In Progress")
		offer("11", "To Do")
	default:
		offer("21", "In Progress")
		offer("41", "Won't do")
		offer("31", "Done")
	}
	return list
}

func (d *Double) moveJira(w http.ResponseWriter, r *http.Request, i *Issue) {
	if r.Method == http.MethodGet {
		reply(w, http.StatusOK, map[string]any{"expand": "transitions", "transitions": d.steps(i)})
		return
	}
	var in struct{ Transition struct{ ID string } }
	_ = json.NewDecoder(r.Body).Decode(&in)
	for _, s := range d.steps(i) {
		if s["id"] == in.Transition.ID && !d.screens {
			to := s["to"].(map[string]any)
			i.Status, i.Closed = to["name"].(string), to["statusCategory"].(map[string]string)["key"] == "done"
			d.touch(i)
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	reply(w, http.StatusBadRequest, map[string]any{"errorMessages": []string{"It is not on the appropriate screen, or unknown."}})
}

func (d *Double) jira(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/rest/api/3")
	switch {
	case r.Method == http.MethodPost && path == "/search/jql":
		var in struct{ JQL string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		found := []any{}
		for _, i := range d.issues {
			for _, l := range i.Labels {
				if i.Indexed && l != "orrery" && strings.Contains(in.JQL, strconv.Quote(l)) {
					found = append(found, d.jiraIssue(i))
				}
			}
		}
		reply(w, http.StatusOK, map[string]any{"issues": found})
	case r.Method == http.MethodPost && path == "/issue":
		d.makeJira(w, r)
	case strings.HasSuffix(path, "/remotelink") && r.Method == http.MethodPost:
		d.linkJira(w, r, strings.TrimSuffix(strings.TrimPrefix(path, "/issue/"), "/remotelink"))
	case strings.HasSuffix(path, "/transitions") && d.byKey(strings.TrimSuffix(strings.TrimPrefix(path, "/issue/"), "/transitions")) != nil:
		d.moveJira(w, r, d.byKey(strings.TrimSuffix(strings.TrimPrefix(path, "/issue/"), "/transitions")))
	default:
		if i := d.byKey(strings.TrimPrefix(path, "/issue/")); i != nil && r.Method == http.MethodGet {
			reply(w, http.StatusOK, d.jiraIssue(i))
			return
		}
		reply(w, http.StatusNotFound, map[string]any{"errorMessages": []string{"Issue does not exist or you do not have permission to see it."}})
	}
}

func (d *Double) makeJira(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Fields struct {
			Project     struct{ Key string }
			IssueType   struct{ Name string }
			Summary     string
			Description struct{ Type string }
			Labels      []string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Fields.Project.Key != d.project || in.Fields.IssueType.Name != "Task" || in.Fields.Summary == "" || in.Fields.Description.Type != "doc" {
		reply(w, http.StatusBadRequest, map[string]any{"errors": map[string]string{"project": "valid project is required"}})
		return
	}
	i := d.add(d.project+"-%", in.Fields.Summary, "", in.Fields.Labels)
	if d.lose {
		d.lose = false
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	reply(w, http.StatusCreated, map[string]string{"id": strconv.Itoa(10000 + i.Number), "key": i.Key, "self": d.URL + "/rest/api/3/issue/" + i.Key})
}

func (d *Double) linkJira(w http.ResponseWriter, r *http.Request, key string) {
	var in struct {
		GlobalID string `json:"globalId"`
		Object   struct {
			URL    string
			Title  string
			Status struct{ Resolved bool }
		}
	}
	i := d.byKey(key)
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || i == nil || in.Object.URL == "" || in.Object.Title == "" || len(in.GlobalID) > 255 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := http.StatusCreated
	if _, known := i.Links[in.GlobalID]; known {
		status = http.StatusOK
	}
	i.Links[in.GlobalID] = in.Object.Status.Resolved
	reply(w, status, map[string]any{"id": 1})
}

func (d *Double) byKey(key string) *Issue {
	for _, i := range d.issues {
		if i.Key == key {
			return i
		}
	}
	return nil
}

func (d *Double) gitHubIssue(i *Issue) map[string]any {
	state := "open"
	var reason any
	if i.Closed {
		state, reason = "closed", i.Reason
	}
	return map[string]any{
		"number": i.Number, "html_url": fmt.Sprintf("https://github.com/%s/issues/%d", d.project, i.Number), "state": state, "state_reason": reason,
		"title": i.Title, "body": i.Body, "updated_at": i.Updated.Format(time.RFC3339),
	}
}

func (d *Double) gitHub(w http.ResponseWriter, r *http.Request) {
	base := "/repos/" + d.project + "/issues"
	number, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, base+"/"))
	switch {
	case r.URL.Path == base && r.Method == http.MethodGet:
		list := []any{}
		for n := len(d.issues) - 1; n >= 0; n-- {
			list = append(list, d.gitHubIssue(d.issues[n]))
		}
		reply(w, http.StatusOK, list)
	case r.URL.Path == base && r.Method == http.MethodPost:
		var in struct {
			Title, Body string
			Labels      []string
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		i := d.add("", in.Title, in.Body, in.Labels)
		if d.lose {
			d.lose = false
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		reply(w, http.StatusCreated, d.gitHubIssue(i))
	case number > 0 && number <= len(d.issues):
		i := d.issues[number-1]
		if r.Method == http.MethodPatch {
			var in struct {
				State  string
				Reason string `json:"state_reason"`
			}
			_ = json.NewDecoder(r.Body).Decode(&in)
			d.touch(i).Closed = in.State == "closed"
			i.Reason = in.Reason
		}
		reply(w, http.StatusOK, d.gitHubIssue(i))
	default:
		reply(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
	}
}
