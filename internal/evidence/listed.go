package evidence

import (
	"slices"
	"strings"

	"orrery/internal/questionnaire"
)

// aside says in SQL which facts f are those of rules that step aside, with scopeArgs: the
// rule of listed.
const aside = `(f.source = 'config.rule' and f.state = 'fail' and f.resource like @whole || '%'
			and (f.reason = '' or f.reason = 'tags_unread' and (@arn = '' and cardinality(@tags::text[]) = 0 or f.source || '/' || f.control = any(@wide)))
			and exists (select from facts d where d.account = f.account and d.region = f.region and d.source = f.source and d.control = f.control
				and d.gone_at is null and d.state = 'fail' and d.resource not like @whole || '%'))`

// listed leaves out what a rule of AWS Config says of the whole account where the resources
// that fail it are told one by one. The rule counts itself while the list is not whole, and
// for a scope with tags while those of some resources are not known.
func listed(facts []Fact, c questionnaire.Check, g Ground) []Fact {
	if c.Source != RuleSource {
		return facts
	}
	whole := func(f Fact) bool { return strings.HasPrefix(f.Resource, accountPrefix) }
	told := map[Cell]bool{}
	for _, f := range facts {
		if f.State == Fail && !whole(f) {
			told[Cell{f.Account, f.Region}] = true
		}
	}
	everything := c.Level == "account" || len(g.Tags) == 0 && g.ApplicationARN == ""
	return slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool {
		return f.State == Fail && whole(f) && told[Cell{f.Account, f.Region}] && (f.Reason == "" || f.Reason == TagsUnread && everything)
	})
}
