package evidence

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
	"orrery/internal/workload"
)

// The modes of a connection.
const (
	DefaultChain = "default"     // the credentials that Orrery runs with are the account's own
	TakeRole     = "assume_role" // Orrery takes a role of the account, with an external id
)

// Connection is how an AWS account is reached. It holds no key.
type Connection struct {
	ID         uuid.UUID
	Account    string
	Name       string
	TeamID     uuid.UUID // owns the account
	TeamKey    string
	TeamName   string
	Mode       string
	RoleARN    string // empty with the default chain
	ExternalID string // made by us; empty for whom it is not, and with the default chain
	Regions    []string
	SourcesOff []string
	Hub        bool   // the organisation's: Security Hub and AWS Config are asked here first
	HubRegion  string // the home Region of the hub; empty when it is none
	Version    int
	CreatedBy  string
	CreatedAt  time.Time
	RemovedBy  string
	RemovedAt  *time.Time
}

// Access is how a collector reaches an account; the zero Access is the default chain.
type Access struct {
	RoleARN    string
	ExternalID string
}

func (c Connection) access() Access { return Access{c.RoleARN, c.ExternalID} }

// reads reports whether the connection covers the Region; without a list it covers all.
func (c Connection) reads(region string) bool {
	return len(c.Regions) == 0 || slices.Contains(c.Regions, region)
}

// ConnectionInput is what an admin types.
type ConnectionInput struct {
	Account string
	Name    string
	TeamKey string
	Mode    string
	Role    string // its name, or the whole ARN
	Regions []string
	Sources []string // those that are read

	Hub       bool
	HubRegion string
}

// DefaultRole is the name of the role that our templates make.
const DefaultRole = "OrreryReadsEvidence"

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	roleForm    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	roleARNForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]{1,512}$`)
)

// check returns the connection that the input stands for, without ids, or one Invalid fault
// with every message.
func (in ConnectionInput) check() (Connection, error) {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	c := Connection{Mode: in.Mode, Name: text.Line(in.Name), TeamKey: text.Clean(in.TeamKey), Regions: []string{}, SourcesOff: []string{}}
	c.Account = strings.ReplaceAll(text.Clean(in.Account), "-", "")
	if !accountForm.MatchString(c.Account) {
		add("account", "An AWS account is twelve digits.")
	}
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > 120 {
		add("name", "Give the account a name of at most 120 characters.")
	}
	if c.TeamKey == "" {
		add("team", "Choose the team that owns the account.")
	}
	switch in.Mode {
	case DefaultChain:
	case TakeRole:
		role, message := roleARN(c.Account, text.Clean(in.Role))
		if message != "" {
			add("role", message)
		}
		c.RoleARN = role
	default:
		add("mode", "Choose how the account is reached.")
	}
	for _, r := range in.Regions {
		if r = text.Clean(r); r == "" || slices.Contains(c.Regions, r) {
			continue
		}
		if !regionForm.MatchString(r) || len(c.Regions) == 50 {
			add("regions", "Name at most 50 Regions, each like eu-west-1.")
			break
		}
		c.Regions = append(c.Regions, r)
	}
	home := text.Clean(in.HubRegion)
	switch c.Hub = in.Hub; {
	case c.Hub && !regionForm.MatchString(home):
		add("hub_region", "Name the home Region of the hub, like eu-west-1.")
	case c.Hub:
		c.HubRegion = home
	case home != "":
		add("hub_region", "A home Region is named, and the box above is not ticked. Tick it when this account is the hub, or empty this field.")
	}
	for _, s := range Sources() {
		if !slices.Contains(in.Sources, s) {
			c.SourcesOff = append(c.SourcesOff, s)
		}
	}
	if len(c.SourcesOff) == len(Sources()) {
		add("sources", "Choose at least one source.")
	}
	return c, fault.InvalidFields(bad...)
}

// roleARN is the ARN of a role that was typed as its name or whole, or why it is none.
func roleARN(account, typed string) (arn, message string) {
	if typed == "" {
		typed = DefaultRole
	}
	if roleForm.MatchString(typed) {
		return "arn:aws:iam::" + account + ":role/" + typed, ""
	}
	m := roleARNForm.FindStringSubmatch(typed)
	switch {
	case m == nil:
		return "", "Write the name of the role, or its whole ARN."
	case m[1] != account:
		return "", "This role belongs to another account."
	}
	return typed, ""
}

// Connections lists the connections by name: those that stand, then those removed. Admins
// and auditors see all, others those of accounts that their teams own. The external id is
// for admins.
func (s *Service) Connections(ctx context.Context, who identity.Actor) ([]Connection, error) {
	list, err := listConnections(ctx, s.db)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	out := list[:0]
	for _, c := range list {
		if seesConnection(who, c) {
			out = append(out, c.shownTo(who))
		}
	}
	return out, nil
}

// Connection reads one; not found when there is none, or when it is not for who.
func (s *Service) Connection(ctx context.Context, who identity.Actor, id uuid.UUID) (Connection, error) {
	c, err := loadConnection(ctx, s.db, id, "")
	if err == nil && !seesConnection(who, c) {
		err = errNoConnection()
	}
	if err != nil {
		return Connection{}, fmt.Errorf("read connection: %w", err)
	}
	return c.shownTo(who), nil
}

func seesConnection(who identity.Actor, c Connection) bool {
	return who.Is(identity.Admin) || who.Is(identity.Auditor) || who.InTeam(c.TeamID)
}

func (c Connection) shownTo(who identity.Actor) Connection {
	if !who.Is(identity.Admin) {
		c.ExternalID = ""
	}
	return c
}

func errNoConnection() error { return fault.New(fault.NotFound, "There is no such connection.") }

// AddConnection connects an account and makes the team its owner. Admins may. Invalid with
// a message per field; an account that is connected is a message on "account".
func (s *Service) AddConnection(ctx context.Context, who identity.Actor, in ConnectionInput) (Connection, error) {
	if err := who.May(identity.ManageConnections, identity.Target{}); err != nil {
		return Connection{}, fmt.Errorf("add connection: %w", err)
	}
	c, err := in.check()
	if err != nil {
		return Connection{}, fmt.Errorf("add connection: %w", err)
	}
	now := s.now()
	c.ID, c.CreatedAt, c.Version = uuid.Must(uuid.NewV7()), now, 1
	if c.Mode == TakeRole {
		c.ExternalID = rand.Text()
	}
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if c.TeamID, err = workload.SetAccountTeam(ctx, tx, c.Account, c.TeamKey, now); err != nil {
			return err
		}
		if err := insertConnection(ctx, tx, c, nilID(who.PersonID)); err != nil {
			return err
		}
		return recordConnection(ctx, tx, who, "connection.added", c, now)
	})
	if err != nil {
		return Connection{}, fmt.Errorf("add connection: %w", err)
	}
	return s.Connection(ctx, who, c.ID)
}

// RemoveConnection ends a connection. What was read through it stays, and its account keeps
// its owning team. Admins may; a conflict when it is removed already.
func (s *Service) RemoveConnection(ctx context.Context, who identity.Actor, id uuid.UUID) (Connection, error) {
	now := s.now()
	var c Connection
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := who.May(identity.ManageConnections, identity.Target{}); err != nil {
			return err
		}
		var err error
		if c, err = loadConnection(ctx, tx, id, " for update of c"); err != nil {
			return err
		}
		if c.RemovedAt != nil {
			return fault.New(fault.Conflict, "This connection was removed already.")
		}
		if err := endConnection(ctx, tx, id, nilID(who.PersonID), now); err != nil {
			return err
		}
		return recordConnection(ctx, tx, who, "connection.removed", c, now)
	})
	if err != nil {
		return Connection{}, fmt.Errorf("remove connection: %w", err)
	}
	return c, nil
}

func recordConnection(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, c Connection, now time.Time) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.OrgStream, Verb: verb, TargetKind: "connection", TargetID: c.ID.String(), At: now,
		Details: []audit.Detail{
			{Name: "account", Value: c.Account}, {Name: "name", Value: c.Name}, {Name: "team", Value: c.TeamID.String()}, {Name: "role", Value: c.RoleARN},
			{Name: "regions", Value: strings.Join(c.Regions, " ")}, {Name: "sources_off", Value: strings.Join(c.SourcesOff, " ")},
			{Name: "hub", Value: c.HubRegion},
		},
	})
}
