package evidence

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// rows are facts as the statement that stores them takes them: a list for each column.
type rows struct {
	control, resource, state, reason, title, detail, tags, arn []string

	hash   [][]byte
	at     []time.Time
	before []*string // what history notes; nil: nothing
}

// grow makes room for another fact, and returns where.
func (r *rows) grow() int {
	for _, list := range []*[]string{&r.control, &r.resource, &r.state, &r.reason, &r.title, &r.detail, &r.tags, &r.arn} {
		*list = append(*list, "")
	}
	r.hash, r.at, r.before = append(r.hash, nil), append(r.at, time.Time{}), append(r.before, nil)
	return len(r.at) - 1
}

func (r *rows) set(i int, o Observation, before *string) {
	r.control[i], r.resource[i], r.state[i], r.reason[i], r.title[i] = o.Control, o.Resource, string(o.State), o.Reason, o.Title
	r.detail[i], r.tags[i], r.arn[i] = string(cleanDocument(o.Detail)), arrayText(o.Tags), o.ApplicationARN
	r.hash[i], r.at[i], r.before[i] = o.hash(), o.ObservedAt, before
}

// queue upserts the facts and writes their history, all in one statement. What a fact says
// and which run changed it are renewed only when it says something else.
func (r *rows) queue(b *pgx.Batch, w *writer) {
	const sql = `
		with n as (
			select * from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[], $15::timestamptz[], $16::text[])
				as n(control, resource, state, reason, title, detail, tags, application_arn, hash, observed_at, before)),
		stored as (
			insert into facts as f (source, control, account, region, resource, state, reason, title, detail, tags,
				application_arn, hash, observed_at, changed_at, run_id)
			select $1, n.control, $2, $3, n.resource, n.state, n.reason, n.title, n.detail::jsonb, n.tags::text[],
				n.application_arn, n.hash, n.observed_at, $4, $5
			from n
			on conflict (source, control, account, region, resource) do update set state = excluded.state, reason = excluded.reason,
				title = excluded.title, detail = excluded.detail, tags = excluded.tags, application_arn = excluded.application_arn,
				hash = excluded.hash, observed_at = excluded.observed_at, gone_at = null,
				changed_at = case when f.hash = excluded.hash and f.gone_at is null then f.changed_at else excluded.changed_at end,
				run_id = case when f.hash = excluded.hash and f.gone_at is null then f.run_id else excluded.run_id end
			returning f.id, f.control, f.resource)
		insert into fact_changes (fact_id, at, run_id, before, after)
		select s.id, $4, $5, n.before, n.state
		from stored s join n on n.control = s.control and n.resource = s.resource
		where n.before is not null
		on conflict (fact_id, at) do update set after = excluded.after`
	if len(r.at) > 0 {
		b.Queue(sql, w.source, w.cell.Account, w.cell.Region, w.now, w.runID, r.control, r.resource, r.state, r.reason, r.title, r.detail, r.tags, r.arn, r.hash, r.at, r.before)
	}
}

var inArray = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// arrayText is a list as Postgres writes an array of texts.
func arrayText(list []string) string {
	if len(list) == 0 {
		return "{}"
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		_, _ = inArray.WriteString(&b, s) // a builder takes everything
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
