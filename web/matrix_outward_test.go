package web_test

import (
	"time"

	"orrery/internal/notify"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
)

var webhookRows = map[string]row{
	"Endpoints":  {admins, func(c call) error { return only(c.Webhooks.Endpoints(c.ctx, c.who)) }},
	"Endpoint":   {admins, func(c call) error { return only(c.Webhooks.Endpoint(c.ctx, c.who, somebody)) }},
	"Create":     {admins, func(c call) error { return only2(c.Webhooks.Create(c.ctx, c.who, webhook.Input{})) }},
	"Change":     {admins, func(c call) error { return c.Webhooks.Change(c.ctx, c.who, somebody, 1, webhook.Input{}) }},
	"Rotate":     {admins, func(c call) error { return only(c.Webhooks.Rotate(c.ctx, c.who, somebody, 1)) }},
	"SendTest":   {admins, func(c call) error { return c.Webhooks.SendTest(c.ctx, c.who, somebody) }},
	"Log":        {admins, func(c call) error { return only2(c.Webhooks.Log(c.ctx, c.who, somebody, "", "")) }},
	"Delete":     {admins, func(c call) error { return c.Webhooks.Delete(c.ctx, c.who, somebody, 1) }},
	"Deliveries": {admins, func(c call) error { return only2(c.Webhooks.Deliveries(c.ctx, c.who, somebody, "", "", 10)) }},
	"Delivery":   {admins, func(c call) error { return only(c.Webhooks.Delivery(c.ctx, c.who, somebody)) }},
	"Replay":     {admins, func(c call) error { return only(c.Webhooks.Replay(c.ctx, c.who, somebody)) }},
	"ReplaySince": {admins, func(c call) error {
		return only(c.Webhooks.ReplaySince(c.ctx, c.who, somebody, time.Time{}, true))
	}},
}

var ticketRows = map[string]row{
	"Trackers":      {admins, func(c call) error { return only(c.Tickets.Trackers(c.ctx, c.who)) }},
	"Tracker":       {admins, func(c call) error { return only(c.Tickets.Tracker(c.ctx, c.who, somebody)) }},
	"CreateTracker": {admins, func(c call) error { return only2(c.Tickets.CreateTracker(c.ctx, c.who, tickets.TrackerInput{})) }},
	"ChangeTracker": {admins, func(c call) error {
		return c.Tickets.ChangeTracker(c.ctx, c.who, somebody, 1, tickets.TrackerInput{})
	}},
	"NewHookSecret": {admins, func(c call) error { return only(c.Tickets.NewHookSecret(c.ctx, c.who, somebody, 1)) }},
	"Create":        {team, func(c call) error { return c.Tickets.Create(c.ctx, c.who, c.item, somebody) }},
	"LinkByHand":    {team, func(c call) error { return c.Tickets.LinkByHand(c.ctx, c.who, c.item, "", "") }},
	"Put":           {team, func(c call) error { return only(c.Tickets.Put(c.ctx, c.who, c.item, 0, tickets.Outside{})) }},
	"Unlink":        {team, func(c call) error { return c.Tickets.Unlink(c.ctx, c.who, c.item, somebody) }},
}

// teamLeads are the leads of the column's team, and admins.
var teamLeads = rule{"lead admin self", "admin self", "admin self"}

var noticeRows = map[string]row{
	"List":        {persons, func(c call) error { return only2(c.Notices.List(c.ctx, c.who, "")) }},
	"Unread":      {persons, func(c call) error { return only2(c.Notices.Unread(c.ctx, c.who)) }},
	"Read":        {nobody, func(c call) error { return only(c.Notices.Read(c.ctx, c.who, somebody)) }},
	"ReadAll":     {persons, func(c call) error { return c.Notices.ReadAll(c.ctx, c.who) }},
	"Pace":        {persons, func(c call) error { return only(c.Notices.Pace(c.ctx, c.who)) }},
	"SavePace":    {persons, func(c call) error { return c.Notices.SavePace(c.ctx, c.who, "x") }},
	"Channel":     {teamLeads, func(c call) error { return only(c.Notices.Channel(c.ctx, c.who, c.w.TeamID)) }},
	"SaveChannel": {teamLeads, func(c call) error { return c.Notices.SaveChannel(c.ctx, c.who, c.w.TeamID, notify.ChannelInput{}) }},
}
