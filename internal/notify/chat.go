package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/outbound"
	"orrery/internal/text"
)

// The kinds of chats, by the shape of what they take.
const (
	Slack = "slack"
	Teams = "teams"
)

// Channel is where a team is told in its chat.
type Channel struct {
	Kind    string
	Host    string // of the address; the rest is a secret
	Active  bool
	Problem string // why the last message did not come through
}

// ChannelInput is what a lead says of it. An empty URL keeps the stored one.
type ChannelInput struct {
	Kind   string
	URL    string
	Active bool
}

// MayChannel refuses all but leads of the team and admins, in person.
func MayChannel(who identity.Actor, team uuid.UUID) error {
	if err := inPerson(who); err != nil {
		return err
	}
	if who.Leads(team) || who.Is(identity.Admin) {
		return nil
	}
	return fault.New(fault.Forbidden, "Only a lead of the team or an admin may say where its chat is.")
}

// Channel reads the chat of a team; the zero Channel when it has none. Leads of the team and
// admins may.
func (s *Service) Channel(ctx context.Context, who identity.Actor, team uuid.UUID) (c Channel, err error) {
	if err := MayChannel(who, team); err != nil {
		return c, err
	}
	err = s.db.QueryRow(ctx, `select kind, host, active, problem from team_channels where team_id = $1`, team).Scan(&c.Kind, &c.Host, &c.Active, &c.Problem)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return c, err
}

// SaveChannel stores the chat of a team. Leads of the team and admins may. Invalid on "kind"
// and "url"; unavailable without a key for secrets.
func (s *Service) SaveChannel(ctx context.Context, who identity.Actor, team uuid.UUID, in ChannelInput) error {
	before, err := s.Channel(ctx, who, team)
	if err != nil {
		return err
	}
	in.URL = text.Line(in.URL)
	var bad []fault.Field
	if in.Kind != Slack && in.Kind != Teams {
		bad = append(bad, fault.Field{Name: "kind", Message: "Choose Slack or Teams."})
	}
	if words := outbound.CheckURL(in.URL); words != "" && (in.URL != "" || before.Kind == "") {
		bad = append(bad, fault.Field{Name: "url", Message: words})
	}
	if err := fault.InvalidFields(bad...); err != nil {
		return err
	}
	var sealed []byte
	host := before.Host
	if in.URL != "" {
		if sealed, err = s.door.Seal(channelPurpose(team), in.URL); errors.Is(err, outbound.ErrNoKey) {
			return fault.Wrap(fault.Unavailable, err, "Secrets cannot be kept: the operator sets ORRERY_SECRETS_KEY first.")
		} else if err != nil {
			return err
		}
		u, _ := url.Parse(in.URL) // CheckURL has read it
		host = u.Host
	}
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		const sql = `
			insert into team_channels as c (team_id, kind, url, host, active, saved_by, saved_at) values (@team, @kind, coalesce(@url::bytea, ''), @host, @active, @by, @now)
			on conflict (team_id) do update set kind = @kind, url = coalesce(@url::bytea, c.url), host = @host, active = @active, problem = '', saved_by = @by, saved_at = @now`
		args := pgx.StrictNamedArgs{"team": team, "kind": in.Kind, "url": sealed, "host": host, "active": in.Active, "by": who.PersonID, "now": now}
		if _, err := tx.Exec(ctx, sql, args); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Act{
			Stream: audit.OrgStream, Verb: "team.chat_set", TargetKind: "team", TargetID: team.String(), At: now,
			Details: []audit.Detail{{Name: "host", Value: host}, {Name: "active", Value: strconv.FormatBool(in.Active)}},
		})
	})
	if err != nil {
		return fmt.Errorf("save chat: %w", err)
	}
	return nil
}

func channelPurpose(team uuid.UUID) string { return "channel/" + team.String() }

// ChatArgs is the job that says something in the chat of a team.
type ChatArgs struct {
	TeamID  uuid.UUID `json:"team_id"`
	EventID uuid.UUID `json:"event_id"`
	Text    string    `json:"text"`
	Href    string    `json:"href"`
}

// Kind names the job.
func (ChatArgs) Kind() string { return "notify.chat" }

// InsertOpts puts the job in its queue.
func (ChatArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: Queue, MaxAttempts: 6} }

// chatWords are what a team's chat is told of; the workload's name goes in.
var chatWords = map[string]string{
	"round.submitted":   "A review of %s was submitted and waits for a decision.",
	"round.decided":     "A review of %s was decided.",
	"decision.revoked":  "The decision on %s was revoked.",
	"emergency.decided": "An emergency go was given to %s.",
	"review.cancelled":  "A review of %s was cancelled.",
	"evidence.turned":   "Evidence of %s speaks against an answer since the decision.",
}

// tellChat queues what an event says to the chat of the workload's team, if it has one.
func (s *Service) tellChat(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	words, ok := chatWords[e.Verb]
	if !ok || e.WorkloadID() == uuid.Nil {
		return nil
	}
	var team uuid.UUID
	var name, key string
	const sql = `select w.team_id, w.name, w.key from workloads w join team_channels c on c.team_id = w.team_id and c.active where w.id = $1`
	if err := tx.QueryRow(ctx, sql, e.WorkloadID()).Scan(&team, &name, &key); err != nil {
		return err
	}
	href := "/workloads/" + key
	if e.TargetKind == "review" {
		href = "/reviews/" + e.TargetID
	}
	_, err := s.jobs.InsertTx(ctx, tx, ChatArgs{TeamID: team, EventID: e.ID, Text: fmt.Sprintf(words, name), Href: s.url + href}, nil)
	return err
}

// chat posts a message in the shape that the chat takes.
func (s *Service) chat(ctx context.Context, in ChatArgs, last bool) error {
	var kind string
	var sealed []byte
	err := s.db.QueryRow(ctx, `select kind, url from team_channels where team_id = $1 and active`, in.TeamID).Scan(&kind, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read chat: %w", err)
	}
	address, err := s.door.Open(channelPurpose(in.TeamID), sealed)
	if err != nil {
		return err
	}
	words := s.post(ctx, address, shape(kind, in))
	if _, err := s.db.Exec(ctx, `update team_channels set problem = $2 where team_id = $1`, in.TeamID, words); err != nil {
		return fmt.Errorf("store problem of chat: %w", err)
	}
	if words != "" && !last {
		return errors.New(words)
	}
	return nil
}

// post says in words why a message did not come through; empty when it did.
func (s *Service) post(ctx context.Context, address string, message any) string {
	body, err := json.Marshal(message)
	if err != nil {
		return "The message cannot be written."
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "The address cannot be used."
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.door.Client.Do(r)
	if err != nil {
		return outbound.Say(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return "The chat answered " + strconv.Itoa(answer.StatusCode) + "."
	}
	return ""
}

// shape is a message as Slack's incoming webhooks take it, or Teams' workflows.
func shape(kind string, in ChatArgs) any {
	if kind == Slack {
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(in.Text)
		return map[string]string{"text": escaped + " <" + in.Href + "|Open it>"}
	}
	card := map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"body":    []any{map[string]any{"type": "TextBlock", "text": plain(in.Text), "wrap": true}},
		"actions": []any{map[string]any{"type": "Action.OpenUrl", "title": "Open it", "url": in.Href}},
	}
	return map[string]any{"type": "message", "attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}}}
}

// plain takes the meaning from Markdown that a name may hold.
func plain(s string) string {
	return strings.NewReplacer("[", "\\[", "]", "\\]", "*", "\\*", "_", "\\_", "`", "\\`").Replace(s)
}
