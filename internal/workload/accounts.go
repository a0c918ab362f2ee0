package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
)

// Use is a workload that names an account in its production scope, or that may.
type Use struct {
	WorkloadID uuid.UUID
	Key        string
	Name       string
	TeamID     uuid.UUID
	TeamName   string
	Restricted bool
	Named      bool // its scope names the account
	Own        bool // its team owns the account
	Allowed    bool // somebody allowed it
}

// Reads reports whether the workload gets facts of the account.
func (u Use) Reads() bool { return u.Own || u.Allowed }

// SetAccountTeam makes the team with the key the owner of an account within the caller's
// transaction, and returns the team. Invalid on "team". It does not authorise: evidence
// calls it when an admin connects the account.
func SetAccountTeam(ctx context.Context, tx pgx.Tx, account, teamKey string, now time.Time) (uuid.UUID, error) {
	team, err := teamByKey(ctx, tx, teamKey)
	if err != nil {
		return team, err
	}
	const sql = `
		insert into accounts (account, team_id, set_at) values ($1, $2, $3)
		on conflict (account) do update set team_id = excluded.team_id, set_at = excluded.set_at`
	if _, err := tx.Exec(ctx, sql, account, team, now); err != nil {
		return team, fmt.Errorf("set the team of an account: %w", err)
	}
	return team, nil
}

// UsesOf lists the workloads that name the account or may, by name; those that who may not
// read are left out.
func UsesOf(ctx context.Context, q postgres.Querier, who identity.Actor, account string) ([]Use, error) {
	const sql = `
		select w.id, w.key, w.name, w.team_id, t.name, w.restricted,
			exists (select from scopes s where s.workload_id = w.id and s.production and $1 = any(s.accounts)),
			coalesce(a.team_id = w.team_id, false), l.account is not null
		from workloads w join teams t on t.id = w.team_id
		left join accounts a on a.account = $1
		left join account_allowances l on l.account = $1 and l.workload_id = w.id
		where w.stage <> 'retired' and (l.account is not null
			or exists (select from scopes s where s.workload_id = w.id and s.production and $1 = any(s.accounts)))
		order by lower(w.name), w.id`
	rows, err := q.Query(ctx, sql, account)
	if err != nil {
		return nil, fmt.Errorf("list uses of an account: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u Use, err error) {
		return u, row.Scan(&u.WorkloadID, &u.Key, &u.Name, &u.TeamID, &u.TeamName, &u.Restricted, &u.Named, &u.Own, &u.Allowed)
	})
	if err != nil {
		return nil, fmt.Errorf("list uses of an account: %w", err)
	}
	return slices.DeleteFunc(list, func(u Use) bool {
		return !who.CanRead(identity.Target{WorkloadID: u.WorkloadID, TeamID: u.TeamID, Restricted: u.Restricted})
	}), nil
}

// Foreign lists those accounts of the workload's production scope that belong to another
// team which has not allowed them: nothing is read there, and no fact of them is shown. It
// does not authorise: evidence calls it for a workload it has read.
func Foreign(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) ([]string, error) {
	const sql = `
		select a.account from accounts a
		join workloads w on w.id = $1
		join scopes s on s.workload_id = w.id and s.production and a.account = any(s.accounts)
		where a.team_id <> w.team_id
			and not exists (select from account_allowances l where l.account = a.account and l.workload_id = w.id)
		order by 1`
	rows, err := q.Query(ctx, sql, workloadID)
	if err != nil {
		return nil, fmt.Errorf("read accounts of others: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// AllowAccount lets the workload with the key name an account that who's team owns, or takes
// that back. Leads of the owning team and admins may. Not found for an account that no team
// owns, or whose owner is not for who to know; invalid on "workload"; a conflict when the
// workload moves at this moment: it is allowed to the team that has it.
func (s *Service) AllowAccount(ctx context.Context, who identity.Actor, account, workloadKey string, allow bool) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := mayAllow(ctx, tx, who, account); err != nil {
			return err
		}
		seen, err := LoadByKey(ctx, tx, who, text.Clean(workloadKey))
		w := seen
		if err == nil {
			w, err = Held(ctx, tx, who, seen.ID)
		}
		switch {
		case fault.Is(err, fault.NotFound):
			return fault.InvalidField("workload", "There is no workload with this key, or you may not see it.")
		case err != nil:
			return err
		case allow && w.TeamID != seen.TeamID:
			return fault.New(fault.Conflict, "%s moved to %s just now. Allow it again if %s may name the account.", w.Name, w.TeamName, w.TeamName)
		}
		return setAllowance(ctx, tx, who, w, account, allow, now)
	})
	if err != nil {
		return fmt.Errorf("allow account: %w", err)
	}
	return nil
}

// mayAllow locks the account's row and checks who may lend it.
func mayAllow(ctx context.Context, tx pgx.Tx, who identity.Actor, account string) error {
	var team uuid.UUID
	err := tx.QueryRow(ctx, `select team_id from accounts where account = $1 for share`, account).Scan(&team)
	seen := who.InTeam(team) || who.Is(identity.Admin) || who.Is(identity.Auditor)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !seen {
		return fault.New(fault.NotFound, "There is no such account.")
	}
	if err != nil {
		return err
	}
	return who.May(identity.LendAccount, identity.Target{TeamID: team})
}

func setAllowance(ctx context.Context, tx pgx.Tx, who identity.Actor, w Workload, account string, allow bool, now time.Time) error {
	verb, sql := "account.allowed", `
		insert into account_allowances (account, workload_id, allowed_by, allowed_at) values ($1, $2, $3, $4) on conflict do nothing`
	args := []any{account, w.ID, personID(who), now}
	if !allow {
		verb, sql, args = "account.disallowed", `delete from account_allowances where account = $1 and workload_id = $2`, args[:2]
	}
	done, err := tx.Exec(ctx, sql, args...)
	if err != nil || done.RowsAffected() == 0 { // it is so already
		return err
	}
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(w.ID), Verb: verb, TargetKind: "workload", TargetID: w.ID.String(), At: now,
		Details: []audit.Detail{{Name: "account", Value: account}},
	})
}

// endAllowances takes back every account that somebody allowed the workload.
func endAllowances(ctx context.Context, tx pgx.Tx, who identity.Actor, w Workload, now time.Time) error {
	rows, err := tx.Query(ctx, `select account from account_allowances where workload_id = $1 order by account for update`, w.ID)
	if err != nil {
		return fmt.Errorf("read allowed accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read allowed accounts: %w", err)
	}
	for _, a := range accounts {
		if err := setAllowance(ctx, tx, who, w, a, false, now); err != nil {
			return fmt.Errorf("end allowance: %w", err)
		}
	}
	return nil
}

// admit checks the accounts that a scope gains: one that another team owns needs a word of
// that team. An admin's word is kept as one.
func admit(ctx context.Context, tx pgx.Tx, who identity.Actor, w Workload, had []string, now time.Time) error {
	var gained []string
	for _, a := range w.Production.Accounts {
		if !slices.Contains(had, a) {
			gained = append(gained, a)
		}
	}
	if len(gained) == 0 {
		return nil
	}
	const sql = `
		select a.account, t.name from accounts a join teams t on t.id = a.team_id
		where a.account = any($1) and a.team_id <> $2
			and not exists (select from account_allowances l where l.account = a.account and l.workload_id = $3)
		order by a.account for share of a`
	rows, err := tx.Query(ctx, sql, gained, w.TeamID, w.ID)
	if err != nil {
		return err
	}
	type owned struct{ Account, Team string }
	foreign, err := pgx.CollectRows(rows, pgx.RowToStructByPos[owned])
	if err != nil {
		return err
	}
	for _, f := range foreign {
		if !who.Is(identity.Admin) {
			return fault.InvalidField("accounts", "%s", "The account "+f.Account+" belongs to "+f.Team+". A lead of "+f.Team+" has to allow this workload to name it.")
		}
		if err := setAllowance(ctx, tx, who, w, f.Account, true, now); err != nil {
			return err
		}
	}
	return nil
}
