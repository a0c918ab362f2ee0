package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/internal/workload"
)

// FactFilter narrows a list of facts. Empty members do not narrow.
type FactFilter struct {
	Source  string
	Control string
	State   FactState
	Account string
	Region  string
}

// FactPage is a page of facts, and the cursor of the next one ("" at the end).
type FactPage struct {
	Facts []Fact
	Next  string
}

const pageSize = 100

// parseCursor reads the key of the last fact of a page.
func parseCursor(cursor string) (key [5]string, err error) {
	if cursor == "" {
		return key, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &key)
	}
	if err != nil || key[0] == "" || strings.ContainsRune(strings.Join(key[:], ""), 0) || cursorOf(key[:]) != cursor { // nothing is left out
		return key, fault.New(fault.Invalid, "This page of facts cannot be read. Start again at the first page.")
	}
	return key, nil
}

func (f Fact) cursor() string {
	return cursorOf([]string{f.Source, f.Control, f.Account, f.Region, f.Resource})
}

// cursorOf is the place in a list that the key names.
func cursorOf(key []string) string {
	b, _ := json.Marshal(key) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

const factColumns = `f.id, f.source, f.control, f.account, f.region, f.resource, f.state, f.reason, f.title, f.tags,
	f.application_arn, f.observed_at, f.changed_at, f.run_id`

func (f *Fact) targets() []any {
	return []any{&f.ID, &f.Source, &f.Control, &f.Account, &f.Region, &f.Resource, &f.State, &f.Reason, &f.Title, &f.Tags,
		&f.ApplicationARN, &f.ObservedAt, &f.ChangedAt, &f.RunID}
}

// listFacts reads a page of the standing facts that belong to the scope: of each cell what
// comes next by its index, however much is stored of others, then the first of all.
func listFacts(ctx context.Context, q postgres.Querier, s workload.Scope, ask asked, f FactFilter, after [5]string) (FactPage, error) {
	const sql = `
		with cells as (
			select a.account, r.region from unnest(@accounts::text[]) as a(account), unnest(@regions::text[]) as r(region)
			where (@account = '' or a.account = @account) and (@region = '' or r.region = @region)
			group by a.account, r.region),
		page as (
			select p.* from cells c cross join lateral (
				select f.id, f.source, f.control, f.account, f.region, f.resource
				from facts f
				where f.account = c.account and f.region = c.region and f.gone_at is null and ` + inScope + `
					and (@source = '' or f.source = @source) and (@control = '' or f.control = @control) and (@state = '' or f.state = @state)
					and (f.source, f.control, f.resource) >= (@k0, @k1, case when c.account = @k2 and c.region = @k3 then @k4 else '' end)
					and (f.source, f.control, f.account, f.region, f.resource) > (@k0, @k1, @k2, @k3, @k4)
				order by f.account, f.region, f.source, f.control, f.resource
				limit @limit) p
			order by p.source, p.control, p.account, p.region, p.resource
			limit @limit)
		select ` + factColumns + `, f.detail
		from page p join facts f on f.id = p.id
		order by p.source, p.control, p.account, p.region, p.resource`
	args := ask.scopeArgs(s)
	maps.Copy(args, pgx.StrictNamedArgs{
		"source": clean(f.Source), "control": clean(f.Control), "state": clean(string(f.State)), "account": clean(f.Account), "region": clean(f.Region),
		"k0": after[0], "k1": after[1], "k2": after[2], "k3": after[3], "k4": after[4], "limit": pageSize + 1,
	})
	rows, err := q.Query(ctx, sql, args)
	if err != nil {
		return FactPage{}, fmt.Errorf("read facts: %w", err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Fact, err error) {
		return f, row.Scan(append(f.targets(), &f.Detail)...)
	})
	if err != nil {
		return FactPage{}, fmt.Errorf("read facts: %w", err)
	}
	page := FactPage{Facts: facts}
	if len(facts) > pageSize {
		page.Facts = facts[:pageSize]
		page.Next = page.Facts[pageSize-1].cursor()
	}
	return page, nil
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// factsFor reads the standing facts on one key of a source in the cells of a run, without
// their documents and without those of foreign accounts.
func factsFor(ctx context.Context, q postgres.Querier, runID uuid.UUID, source, key string, foreign []string) ([]Fact, error) {
	const sql = `
		select ` + factColumns + `
		from facts f
		join (select distinct account, region from run_cells where run_id = $1) c on c.account = f.account and c.region = f.region
		where f.source = $2 and f.control = $3 and f.gone_at is null and f.account <> all($4)
		order by f.account, f.region, f.resource`
	rows, err := q.Query(ctx, sql, runID, source, key, notNil(foreign))
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	words := sharer{texts: map[string]string{}, tags: map[string][]string{}}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Fact, err error) {
		if err = row.Scan(f.targets()...); err == nil {
			words.share(&f)
		}
		return f, err
	})
}

// sharer lets many facts share the texts that repeat among them.
type sharer struct {
	texts map[string]string
	tags  map[string][]string
}

func (s sharer) share(f *Fact) {
	for _, text := range []*string{&f.Source, &f.Control, &f.Account, &f.Region, (*string)(&f.State), &f.Reason, &f.Title, &f.ApplicationARN} {
		*text = s.of(*text)
	}
	all := strings.Join(f.Tags, "\x00")
	if known, ok := s.tags[all]; ok {
		f.Tags = known
	} else if len(s.tags) < maxShared {
		s.tags[all] = f.Tags
	}
}

func (s sharer) of(text string) string {
	if known, ok := s.texts[text]; ok {
		return known
	}
	if len(s.texts) < maxShared {
		s.texts[text] = text
	}
	return text
}

// known is the state as the program writes it, so that no fact keeps a text of its own.
func known(s FactState) FactState {
	for _, k := range []FactState{Pass, Fail, Suppressed, NotApplicable, Unknown, Stated} {
		if s == k {
			return k
		}
	}
	return s
}

// maxShared bounds the texts that are looked up: beyond it they do not repeat much.
const maxShared = 10_000

// hash is what a fact says, without when it was said: equal hashes are no change.
func (o Observation) hash() []byte {
	h := sha256.New()
	for _, part := range append([]string{string(o.State), o.Reason, o.Title, o.ApplicationARN}, o.Tags...) {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(part), part) // a hash takes everything
	}
	if o.State == Stated { // what people said is in the document
		_, _ = h.Write(o.Detail)
	}
	return h.Sum(nil)
}

// cleaned makes an observation fit for the database: valid UTF-8 without NUL, bounded
// lengths, no time in the future. Its document is cleaned when it is stored.
func (o Observation) cleaned(now time.Time) Observation {
	o.Control, o.Resource = shorten(clean(o.Control), 200), shorten(clean(o.Resource), 1000)
	o.Reason, o.Title = shorten(clean(o.Reason), 300), shorten(clean(o.Title), 500)
	o.ApplicationARN = shorten(clean(o.ApplicationARN), 1000)
	tags := make([]string, 0, len(o.Tags))
	for _, t := range o.Tags {
		tags = append(tags, shorten(clean(t), 400))
	}
	o.Tags = distinct(tags)
	if o.ObservedAt.After(now) {
		o.ObservedAt = now
	}
	o.ObservedAt = o.ObservedAt.UTC().Truncate(time.Microsecond)
	return o
}

// cleanDocument returns JSON that jsonb accepts (no NUL, no half surrogates), or a note
// where it was too large or no JSON.
func cleanDocument(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage(`{}`)
	}
	if len(raw) > MaxDetail {
		return json.RawMessage(`{"note": "The document was too large to keep."}`)
	}
	if plain(raw) {
		return raw
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber() // numbers stay as they were written
	if err := dec.Decode(&v); err != nil {
		return json.RawMessage(`{"note": "The document was not JSON."}`)
	}
	out, err := json.Marshal(cleanValue(v))
	if err != nil {
		return json.RawMessage(`{"note": "The document was not JSON."}`)
	}
	return out
}

// plain reports whether jsonb surely accepts the document as it is: JSON in UTF-8 without
// escapes of code points and without numbers that are long or have an exponent.
func plain(raw []byte) bool {
	if !utf8.Valid(raw) || bytes.Contains(raw, []byte(`\u`)) || bytes.IndexByte(raw, 0) >= 0 || !json.Valid(raw) {
		return false
	}
	text, digits := false, 0
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\' && text:
			i++
		case c == '"':
			text, digits = !text, 0
		case text:
		case c >= '0' && c <= '9':
			if digits++; digits > 30 {
				return false
			}
		case digits > 0 && (c == 'e' || c == 'E'):
			return false
		case c != '.':
			digits = 0
		}
	}
	return true
}

func cleanValue(v any) any {
	switch x := v.(type) {
	case string:
		return clean(x)
	case json.Number:
		if len(x) > 40 || strings.ContainsAny(string(x), "eE") {
			return string(x) // a number that Postgres may not hold
		}
	case []any:
		for i := range x {
			x[i] = cleanValue(x[i])
		}
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[clean(k)] = cleanValue(e)
		}
		return out
	}
	return v
}

// clean makes text that Postgres stores: valid UTF-8 without NUL.
func clean(s string) string {
	if utf8.ValidString(s) && !strings.ContainsRune(s, 0) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// shorten cuts text to at most limit bytes at a whole character, and marks the cut.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
