package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// jira is the API of Jira Cloud, version 3.
type jira struct {
	caller
	tracker Tracker
}

const jiraTime = "2006-01-02T15:04:05.000-0700"

// jiraIssue is what is read of an issue.
type jiraIssue struct {
	Key    string `json:"key"`
	Fields struct {
		Status struct {
			Name     string `json:"name"`
			Category struct {
				Key string `json:"key"`
			} `json:"statusCategory"`
		} `json:"status"`
		Updated string `json:"updated"`
	} `json:"fields"`
}

func (i jiraIssue) issue(site string) issue {
	at, _ := time.Parse(jiraTime, i.Fields.Updated) // a time that cannot be read is the oldest
	return issue{
		Key: i.Key, URL: site + "/browse/" + url.PathEscape(i.Key), Status: i.Fields.Status.Name,
		Closed: i.Fields.Status.Category.Key == "done", UpdatedAt: at.UTC(),
	}
}

// mark is the label by which a ticket is found again after a try whose answer was lost.
func mark(t ticket) string { return "orrery-" + t.ItemID.String() }

// make looks for the issue of an earlier try, which Jira's search knows minutes later only, makes it when there is none, and sets the link
// back, which Jira keeps once for its global id.
func (j jira) make(ctx context.Context, t ticket, sending func() error) (issue, error) {
	key := t.Key
	if key == "" {
		found, err := j.find(ctx, t)
		if err != nil {
			return issue{}, err
		}
		key = found.Key
	}
	if key == "" {
		fields := map[string]any{
			"project": map[string]string{"key": j.tracker.Project}, "issuetype": map[string]string{"name": j.tracker.IssueType},
			"summary": t.Title, "description": paragraphs(t.Text, t.Href), "labels": []string{"orrery", mark(t)},
		}
		if err := sending(); err != nil {
			return issue{}, err
		}
		var made struct {
			Key string `json:"key"`
		}
		if err := j.do(ctx, http.MethodPost, "/rest/api/3/issue", map[string]any{"fields": fields}, &made); err != nil {
			return issue{}, err
		}
		key = made.Key
	}
	if err := j.link(ctx, key, t, false); err != nil {
		return issue{Key: key}, err
	}
	i, err := j.read(ctx, key)
	if err != nil {
		i.Key = key
	}
	return i, err
}

func (j jira) find(ctx context.Context, t ticket) (jiraIssue, error) {
	var found struct {
		Issues []jiraIssue `json:"issues"`
	}
	query := map[string]any{
		"jql": fmt.Sprintf("project = %q AND labels = %q ORDER BY created ASC", j.tracker.Project, mark(t)), "fields": []string{"status", "updated"}, "maxResults": 1,
	}
	err := j.do(ctx, http.MethodPost, "/rest/api/3/search/jql", query, &found)
	if err != nil || len(found.Issues) == 0 {
		return jiraIssue{}, err
	}
	return found.Issues[0], nil
}

func (j jira) read(ctx context.Context, key string) (issue, error) {
	var i jiraIssue
	if err := j.do(ctx, http.MethodGet, "/rest/api/3/issue/"+url.PathEscape(key)+"?fields=status,updated", nil, &i); err != nil {
		return issue{}, err
	}
	return i.issue(j.tracker.URL), nil
}

// link sets the link from the ticket to the item: made or changed by its global id.
func (j jira) link(ctx context.Context, key string, t ticket, finished bool) error {
	link := map[string]any{
		"globalId":    "system=orrery&id=item-" + t.ItemID.String(),
		"application": map[string]string{"type": "orrery", "name": "Orrery"},
		"object": map[string]any{
			"url": t.Href, "title": t.Title, "summary": t.Summary, "status": map[string]bool{"resolved": finished},
		},
	}
	return j.do(ctx, http.MethodPost, "/rest/api/3/issue/"+url.PathEscape(key)+"/remotelink", link, nil)
}

// tell says on the link whether the item is finished, and takes a step of the workflow that
// closes or opens the ticket. What stands so already is left alone.
func (j jira) tell(ctx context.Context, key string, t ticket, finished bool) (issue, error) {
	if err := j.link(ctx, key, t, finished); err != nil {
		return issue{}, err
	}
	i, err := j.read(ctx, key)
	if err != nil || i.Closed == finished {
		return i, err
	}
	path := "/rest/api/3/issue/" + url.PathEscape(key) + "/transitions"
	var offered struct {
		Transitions []transition `json:"transitions"`
	}
	if err := j.do(ctx, http.MethodGet, path, nil, &offered); err != nil {
		return i, err
	}
	step, err := choose(offered.Transitions, finished)
	if err != nil {
		return i, err
	}
	err = j.do(ctx, http.MethodPost, path, map[string]any{"transition": map[string]string{"id": step}}, nil)
	var no *refusal
	if errors.As(err, &no) && no.Status == http.StatusBadRequest {
		err = &refusal{no.Status, "Jira asks for more than the step itself. Move the ticket there."}
	}
	if err != nil {
		return i, err
	}
	return j.read(ctx, key)
}

// transition is a step that the workflow offers from where the ticket is.
type transition struct {
	ID        string `json:"id"`
	HasScreen bool   `json:"hasScreen"` // a person is asked for more
	To        struct {
		Name     string `json:"name"`
		Category struct {
			Key string `json:"key"` // new, indeterminate, done
		} `json:"statusCategory"`
	} `json:"to"`
}

// choose picks the step that closes a ticket, or opens it: by the category of the status, for
// the names are each site's own. A step that asks a person for more comes last, and of several
// that end the work the one to "Done" first: others may mean that it will not be done.
func choose(offered []transition, finished bool) (id string, err error) {
	rank, name, best := map[string]int{"new": 0, "indeterminate": 10}, "To Do", 1000
	if finished {
		rank, name = map[string]int{"done": 0}, "Done"
	}
	for _, t := range offered {
		n, fits := rank[t.To.Category.Key]
		if t.HasScreen {
			n += 100
		}
		if !strings.EqualFold(t.To.Name, name) {
			n++
		}
		if fits && n < best {
			id, best = t.ID, n
		}
	}
	switch {
	case id != "":
		return id, nil
	case finished:
		return "", &refusal{Words: "The item is finished and the ticket is open: its workflow has no step from here to a status that is done. Close it there."}
	}
	return "", &refusal{Words: "The item is open and the ticket is closed: its workflow has no step from here to a status that is to do. Open it there."}
}

// paragraphs is text as a document of Atlassian's format, with a link at the end.
func paragraphs(body, href string) map[string]any {
	var content []any
	for part := range strings.SplitSeq(body, "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			content = append(content, paragraph(map[string]any{"type": "text", "text": part}))
		}
	}
	content = append(content, paragraph(map[string]any{
		"type": "text", "text": href, "marks": []any{map[string]any{"type": "link", "attrs": map[string]string{"href": href}}},
	}))
	return map[string]any{"type": "doc", "version": 1, "content": content}
}

func paragraph(parts ...any) map[string]any {
	return map[string]any{"type": "paragraph", "content": parts}
}
