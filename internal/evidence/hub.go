package evidence

import (
	"context"
	"slices"
)

// Hub is an organisation's account that Security Hub and AWS Config tell about its members.
type Hub struct {
	Account string
	Region  string // its home Region
	Access  Access
	Sources []string // that it is asked for
}

// hubSources are those that a hub can tell about.
var hubSources = []string{ControlSource, RuleSource}

// hubFor is the hub that is asked before the connected account; nil when there is none, when
// the account is the hub, or when the hub's connection leaves out what it could tell. Only
// for connected accounts: they have an owner, who lends them to workloads of others.
func (s *Service) hubFor(ctx context.Context, account string) (*Hub, error) {
	c, found, err := hubConnection(ctx, s.db)
	if err != nil || !found || c.Account == account {
		return nil, err
	}
	sources := without(hubSources, c.SourcesOff)
	if len(sources) == 0 {
		return nil, nil //nolint:nilnil // no hub is no error
	}
	return &Hub{Account: c.Account, Region: c.HubRegion, Access: c.access(), Sources: sources}, nil
}

// unread reports that nobody could look at the fact's control in its cell, while others of
// the source were read: the reason is then one of a cell.
func unread(state FactState, reason string) bool {
	return state == Unknown && slices.Contains(gapOrder, reason) || state == Fail && reason == Unlisted
}
