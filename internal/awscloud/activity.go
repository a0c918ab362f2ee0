package awscloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"orrery/internal/evidence"
)

// historyDays is how long CloudTrail keeps the history of events.
const historyDays = 90

const eventsPerPage = 50

// errSeen ends a listing of events early: the newest is what is asked for.
var errSeen = errors.New("seen")

// activity is what a key of cloudtrail.activity looks for. LookupEvents takes one
// attribute, so each event name is a listing of its own.
type activity struct {
	events []string // names of events, any of which will do
	user   string   // look these up by user name instead
	did    string   // "A restore was started"
	never  string   // "No restore was started"

	onTrails bool // recorded where the trail is kept
}

var activities = map[string]activity{
	"restore_test": {events: []string{"StartRestoreJob", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime",
		"RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime", "RestoreTableFromBackup", "RestoreTableToPointInTime"},
		did: "A restore was started", never: "No restore was started"},
	"game_day":     {events: []string{"StartExperiment"}, did: "A fault injection experiment was started", never: "No fault injection experiment was started"},
	"root_sign_in": {events: []string{"ConsoleLogin"}, user: "root", did: "The root user signed in", never: "The root user did not sign in"},
	"stop_logging": {events: []string{"StopLogging", "DeleteTrail"}, did: "A trail was stopped or deleted", never: "No trail was stopped or deleted", onTrails: true},
}

// activityOf is what a key looks for: a known activity, or the event of that name.
func activityOf(key string) activity {
	if a, ok := activities[key]; ok {
		return a
	}
	return activity{events: []string{key}, did: "The event " + key + " was seen", never: "No event " + key + " was seen"}
}

func (c *cell) historyClient() *cloudtrail.Client {
	return cloudtrail.NewFromConfig(c.cfg, func(o *cloudtrail.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("cloudtrail:LookupEvents"))
	})
}

// readActivity tells for each key when the newest event was that succeeded, or that there
// was none in the time that CloudTrail remembers.
func readActivity(ctx context.Context, c *cell, keys []string, t *teller) error {
	client := c.historyClient()
	for _, key := range keys {
		a := activityOf(key)
		last, err := c.lastEvent(ctx, client, a)
		if err != nil {
			return err
		}
		o := c.onAccount(key, evidence.NotApplicable, evidence.NotSeen, fmt.Sprintf("%s in %s in the last %d days.", a.never, c.Cell, historyDays))
		if last != nil {
			at := last.EventTime.UTC()
			o = c.onAccount(key, evidence.Pass, "", fmt.Sprintf("%s on %s (%s) in %s.", a.did, at.Format("2 January 2006 at 15:04 UTC"), deref(last.EventName), c.Cell))
			o.ObservedAt, o.Origin = at, deref(last.EventId)
			o.Detail = compact(map[string]any{"event": deref(last.EventName), "event_id": deref(last.EventId), "source": deref(last.EventSource), "user": deref(last.Username), "time": at.Format(time.RFC3339)})
		}
		t.tell(o)
		if a.onTrails {
			if err := c.tellTrails(ctx, key, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellTrails tells where each trail is kept: only there is recorded what is done to it.
func (c *cell) tellTrails(ctx context.Context, key string, t *teller) error {
	client := c.trails()
	list, err := call(ctx, "cloudtrail:DescribeTrails", c, func(ctx context.Context) (*cloudtrail.DescribeTrailsOutput, error) {
		return client.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	})
	if err != nil {
		return err
	}
	for _, trail := range list.TrailList {
		t.tell(evidence.Observation{Control: key, Resource: deref(trail.TrailARN), State: evidence.NotApplicable, Reason: evidence.TrailKept,
			Title: fmt.Sprintf("The trail %s is kept in %s, and what is done to it is recorded there.", deref(trail.Name), deref(trail.HomeRegion))})
	}
	return nil
}

// lastEvent is the newest event of the activity that succeeded, nil when there is none.
func (c *cell) lastEvent(ctx context.Context, client *cloudtrail.Client, a activity) (*types.Event, error) {
	lookups := []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyUsername, AttributeValue: aws.String(a.user)}}
	if a.user == "" {
		lookups = nil
		for _, name := range a.events {
			lookups = append(lookups, types.LookupAttribute{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String(name)})
		}
	}
	var newest *types.Event
	for _, by := range lookups {
		e, err := c.lookup(ctx, client, by, a)
		if err != nil {
			return nil, err
		}
		if e != nil && (newest == nil || e.EventTime.After(*newest.EventTime)) {
			newest = e
		}
	}
	return newest, nil
}

// lookup lists events by one attribute, newest first, up to the first that counts. The
// window is pinned: every page asks the same.
func (c *cell) lookup(ctx context.Context, client *cloudtrail.Client, by types.LookupAttribute, a activity) (seen *types.Event, err error) {
	in := &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{by}, MaxResults: aws.Int32(eventsPerPage),
		StartTime: aws.Time(c.now.AddDate(0, 0, -historyDays)), EndTime: aws.Time(c.now),
	}
	err = c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "cloudtrail:LookupEvents", c, func(ctx context.Context) (*cloudtrail.LookupEventsOutput, error) {
			return client.LookupEvents(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for i := range page.Events {
			if e := &page.Events[i]; a.counts(e, in) {
				seen = e
				return nil, errSeen
			}
		}
		return page.NextToken, nil
	})
	if errors.Is(err, errSeen) {
		err = nil
	}
	return seen, err
}

// counts reports whether an event is one that was asked for, in the window, and succeeded.
// The attribute is looked at again: an endpoint may ignore it.
func (a activity) counts(e *types.Event, in *cloudtrail.LookupEventsInput) bool {
	if e.EventTime == nil || e.EventTime.Before(*in.StartTime) || e.EventTime.After(in.EndTime.Add(time.Minute)) {
		return false
	}
	named := false
	for _, name := range a.events {
		named = named || name == deref(e.EventName)
	}
	var doc struct {
		ErrorCode    string                        `json:"errorCode"`
		UserIdentity struct{ Type string }         `json:"userIdentity"`
		Response     struct{ ConsoleLogin string } `json:"responseElements"`
	}
	_ = json.Unmarshal([]byte(deref(e.CloudTrailEvent)), &doc) // without a document the event speaks for itself
	switch {
	case !named, doc.ErrorCode != "", doc.Response.ConsoleLogin == "Failure":
		return false
	case a.user != "":
		return deref(e.Username) == a.user || doc.UserIdentity.Type == "Root"
	}
	return true
}
