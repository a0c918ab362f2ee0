package awscloud

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"orrery/internal/evidence"
)

// readDelivery is the recorder's state together with that of its delivery channel, read once
// for a cell: what is recorded and reaches no bucket is no history. A recorder that does not
// record is told without asking.
func (c *cell) readDelivery(ctx context.Context) recorder {
	if c.delivery == nil {
		r := c.readRecorder(ctx)
		if r.state == evidence.Pass {
			r = c.askDelivery(ctx, r)
		}
		c.delivery = &r
	}
	return *c.delivery
}

func (c *cell) askDelivery(ctx context.Context, r recorder) recorder {
	client := c.config()
	out, err := call(ctx, "config:DescribeDeliveryChannelStatus", c, func(ctx context.Context) (*configservice.DescribeDeliveryChannelStatusOutput, error) {
		return client.DescribeDeliveryChannelStatus(ctx, &configservice.DescribeDeliveryChannelStatusInput{})
	})
	switch {
	case err == nil:
		return c.judgeDelivery(r, out.DeliveryChannelsStatus)
	case hasCode(err, "NoSuchDeliveryChannelException"):
		return c.judgeDelivery(r, nil)
	}
	why := c.explain(err)
	return unreadRecorder(&why)
}

// judgeDelivery looks at the files of configuration history and at snapshots, where they are
// made. An account has one channel in a Region.
func (c *cell) judgeDelivery(r recorder, channels []types.DeliveryChannelStatus) recorder {
	name := fmt.Sprintf("The Config recorder %v is on in %s", r.detail["name"], c.Cell)
	r.detail = maps.Clone(r.detail)
	if len(channels) == 0 {
		r.state, r.reason, r.sentence = evidence.Fail, evidence.RecorderFailing, name+", but there is no delivery channel, so nothing that it records is kept."
		return r
	}
	delivered := false
	for _, part := range []struct {
		key, words string
		info       *types.ConfigExportDeliveryInfo
	}{{"history", "history", channels[0].ConfigHistoryDeliveryInfo}, {"snapshot", "a snapshot", channels[0].ConfigSnapshotDeliveryInfo}} {
		if part.info == nil {
			continue
		}
		status, last := string(part.info.LastStatus), part.info.LastSuccessfulTime
		r.detail[part.key] = map[string]any{"last_status": status, "last_error": aws.ToString(part.info.LastErrorCode), "last_delivery": stamp(last)}
		if strings.EqualFold(status, string(types.DeliveryStatusFailure)) {
			r.state, r.reason = evidence.Fail, evidence.RecorderFailing
			r.sentence = fmt.Sprintf("%s, but its last delivery of %s failed (%s).", name, part.words, oneLine(aws.ToString(part.info.LastErrorCode)))
		}
		delivered = delivered || last != nil || strings.EqualFold(status, string(types.DeliveryStatusSuccess))
	}
	switch {
	case r.state == evidence.Fail:
	case !delivered:
		r.state, r.reason, r.sentence = evidence.Unknown, evidence.NotDelivered, name+" and has not delivered anything yet."
	default:
		r.sentence = fmt.Sprintf("The Config recorder %v records in %s, and its last delivery succeeded.", r.detail["name"], c.Cell)
	}
	return r
}

// stamp writes a time of a document; empty when there is none.
func stamp(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
