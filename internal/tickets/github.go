package tickets

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// gitHub is GitHub's REST API for issues.
type gitHub struct {
	caller
	tracker Tracker
}

const gitHubLabel = "orrery"

// gitHubIssue is what is read of an issue.
type gitHubIssue struct {
	Number      int       `json:"number"`
	URL         string    `json:"html_url"`
	State       string    `json:"state"`
	StateReason string    `json:"state_reason"`
	Body        string    `json:"body"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func (i gitHubIssue) issue(repository string) issue {
	status := i.State
	if i.State == "closed" && i.StateReason != "" {
		status += ", " + strings.ReplaceAll(i.StateReason, "_", " ")
	}
	return issue{Key: gitHubKey(repository, i.Number), URL: i.URL, Status: status, Closed: i.State == "closed", UpdatedAt: i.UpdatedAt.UTC()}
}

func gitHubKey(repository string, number int) string { return repository + "#" + strconv.Itoa(number) }

// at returns the API of the repository that a key names, which is another than the tracker's where
// that was changed once, and the issue's number.
func (g gitHub) at(key string) (of gitHub, number string) {
	g.tracker.Project, number, _ = strings.Cut(key, "#")
	return g, number
}

func (g gitHub) do(ctx context.Context, method, path string, in, out any) error {
	g.header = map[string]string{"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
	return g.caller.do(ctx, method, "/repos/"+g.tracker.Project+path, in, out)
}

// make looks for the issue of an earlier try by the mark in its body, among the newest with
// our label, and makes it when there is none.
func (g gitHub) make(ctx context.Context, t ticket, sending func() error) (issue, error) {
	if t.Key != "" {
		return g.read(ctx, t.Key)
	}
	sign := "<!-- " + mark(t) + " -->"
	var newest []gitHubIssue
	if err := g.do(ctx, http.MethodGet, "/issues?state=all&labels="+gitHubLabel+"&sort=created&direction=desc&per_page=100", nil, &newest); err != nil {
		return issue{}, err
	}
	for _, i := range newest {
		if strings.Contains(i.Body, sign) {
			return i.issue(g.tracker.Project), nil
		}
	}
	if err := sending(); err != nil {
		return issue{}, err
	}
	var made gitHubIssue
	in := map[string]any{"title": t.Title, "body": strings.TrimSpace(t.Text+"\n\n"+t.Href) + "\n\n" + sign, "labels": []string{gitHubLabel}}
	if err := g.do(ctx, http.MethodPost, "/issues", in, &made); err != nil {
		return issue{}, err
	}
	return made.issue(g.tracker.Project), nil
}

func (g gitHub) read(ctx context.Context, key string) (issue, error) {
	g, number := g.at(key)
	var i gitHubIssue
	if err := g.do(ctx, http.MethodGet, "/issues/"+number, nil, &i); err != nil {
		return issue{}, err
	}
	return i.issue(g.tracker.Project), nil
}

// tell closes the issue of a finished item, and opens it again with the item. What stands so
// already is left alone.
func (g gitHub) tell(ctx context.Context, key string, t ticket, finished bool) (issue, error) {
	i, err := g.read(ctx, key)
	if err != nil || i.Closed == finished {
		return i, err
	}
	in := map[string]string{"state": "open", "state_reason": "reopened"}
	if finished {
		in = map[string]string{"state": "closed", "state_reason": "completed"}
	}
	if finished && t.Dropped {
		in["state_reason"] = "not_planned"
	}
	g, number := g.at(key)
	var now gitHubIssue
	if err := g.do(ctx, http.MethodPatch, "/issues/"+number, in, &now); err != nil {
		return i, err
	}
	return now.issue(g.tracker.Project), nil
}
