package tickets

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
)

// MaxHook bounds what is read of a tracker's webhook.
const MaxHook = 1 << 20

// Receive takes a webhook of a tracker: signed with the secret that both know, each id once.
// A status older than what is known changes nothing. Not found for a tracker that is unknown
// or off; unauthenticated when the signature does not fit; invalid for what is no webhook of
// this tracker.
func (s *Service) Receive(ctx context.Context, tracker uuid.UUID, h http.Header, body []byte) error {
	t, err := trackerByID(ctx, s.db, tracker)
	if err != nil {
		return err
	}
	if !t.Active {
		return errNoTracker()
	}
	secret, err := s.secret(ctx, s.db, t.ID, "hook_secret", hookPurpose(t.ID))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "The secret of this tracker cannot be opened.")
	}
	signature, message := h.Get("X-Hub-Signature-256"), h.Get("X-GitHub-Delivery")
	if t.Kind == Jira {
		signature, message = h.Get("X-Hub-Signature"), h.Get("X-Atlassian-Webhook-Identifier")
	}
	if !signed(secret, signature, body) {
		return fault.New(fault.Unauthenticated, "The signature does not fit.")
	}
	if message == "" || len(message) > 200 || strings.ContainsFunc(message, func(r rune) bool { return r < '!' || r > '~' }) {
		return fault.New(fault.Invalid, "The webhook has no id.")
	}
	i, ok, err := t.heard(h, body)
	if err != nil || !ok {
		return err
	}
	return s.hear(ctx, t, message, i)
}

// hear applies what a webhook says, once for each id.
func (s *Service) hear(ctx context.Context, t Tracker, message string, i issue) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		fresh, err := tx.Exec(ctx, `insert into tracker_messages (tracker_id, message, at) values ($1, $2, $3) on conflict do nothing`, t.ID, message, now)
		if err != nil || fresh.RowsAffected() == 0 {
			return err
		}
		rows, err := tx.Query(ctx, `select`+linkColumns+` where l.tracker_id = $1 and lower(l.key) = lower($2) and l.state = 'linked' order by l.item_id`, t.ID, i.Key)
		if err != nil {
			return err
		}
		links, err := pgx.CollectRows(rows, pgx.RowToStructByName[Link])
		if err != nil {
			return err
		}
		for _, l := range links {
			if err := s.applyIn(ctx, tx, l, i, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("take webhook of tracker: %w", err)
	}
	return nil
}

// signed compares the signature of a body, as GitHub and Jira write it, in constant time.
func signed(secret, signature string, body []byte) bool {
	encoded, found := strings.CutPrefix(signature, "sha256=")
	got, err := hex.DecodeString(encoded)
	if !found || err != nil {
		return false
	}
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = h.Write(body)
	return hmac.Equal(got, h.Sum(nil))
}

// heard reads what a webhook says of an issue; ok is false when it is about something else.
func (t Tracker) heard(h http.Header, body []byte) (i issue, ok bool, err error) {
	if t.Kind == Jira {
		var in struct {
			Event string    `json:"webhookEvent"`
			Issue jiraIssue `json:"issue"`
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return i, false, fault.Wrap(fault.Invalid, err, "The webhook is no JSON as Jira sends it.")
		}
		status := in.Issue.Fields.Status
		return in.Issue.issue(t.URL), strings.HasPrefix(in.Event, "jira:issue_") && in.Event != "jira:issue_deleted" && in.Issue.Key != "" && status.Name != "", nil
	}
	var in struct {
		Issue      gitHubIssue `json:"issue"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if h.Get("X-GitHub-Event") != "issues" {
		return i, false, nil
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return i, false, fault.Wrap(fault.Invalid, err, "The webhook is no JSON as GitHub sends it.")
	}
	ours := strings.EqualFold(in.Repository.FullName, t.Project) && in.Issue.Number > 0 && in.Issue.State != "" && strings.HasPrefix(in.Issue.URL, "https://")
	return in.Issue.issue(t.Project), ours, nil
}
