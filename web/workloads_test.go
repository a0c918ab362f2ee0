package web

import (
	"net/url"
	"slices"
	"testing"

	"orrery/internal/portfolio"
)

func TestSplitList(t *testing.T) {
	for _, c := range []struct {
		typed  string
		spaces bool
		want   []string
	}{
		{"", true, nil},
		{" \r\n , ", true, nil},
		{"441022987153, 773300119922\r\n1 2;3", true, []string{"441022987153", "773300119922", "1", "2", "3"}},
		{"eu-west-1\teu-north-1\u00a0us-east-1", true, []string{"eu-west-1", "eu-north-1", "us-east-1"}},
		{"app=my app, env=live\nteam=a b", false, []string{"app=my app", " env=live", "team=a b"}},
	} {
		if got := splitList(c.typed, c.spaces); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q", c.typed, got)
		}
	}
}

func TestReadWorkloadFilter(t *testing.T) {
	for query, want := range map[string]portfolio.Filter{
		"":                                     {},
		"name=a&team=b&stage=live&decision=go": {Text: "a", TeamKey: "b", Stage: "live", Decision: "go"},
		"tier=2&mine=1&highs=1&overdue=1&sort=tier": {Tier: 2, Mine: true, Highs: true, Overdue: true, Sort: portfolio.ByTier},
		"tier=&mine=yes": {},
		"tier=two":       {Tier: -1},
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := readWorkloadFilter(q); got != want {
			t.Errorf("%q: %+v", query, got)
		}
	}
}
