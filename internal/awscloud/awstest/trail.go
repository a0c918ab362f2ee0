package awstest

import (
	"time"
)

// trailAnswer plays CloudTrail. As in AWS, status and selectors need the full ARN.
func trailAnswer(q request, account string, r *Region) (any, *Fault) {
	arn := func(t Trail) string {
		return or(t.ARN, "arn:aws:cloudtrail:"+q.Region+":"+account+":trail/"+t.Name)
	}
	if q.Op == "DescribeTrails" {
		out := []any{}
		for _, t := range r.Trails {
			out = append(out, map[string]any{"Name": t.Name, "TrailARN": arn(t), "S3BucketName": "logs-" + account, "HomeRegion": q.Region,
				"IsMultiRegionTrail": !t.OneRegion, "IsOrganizationTrail": t.Organization, "IncludeGlobalServiceEvents": true,
				"LogFileValidationEnabled": !t.Unvalidated, "HasCustomEventSelectors": len(t.Selectors)+len(t.Advanced) > 0})
		}
		return map[string]any{"trailList": out}, nil
	}
	name, _ := q.in["Name"].(string)
	if name == "" {
		name, _ = q.in["TrailName"].(string)
	}
	for _, t := range r.Trails {
		if arn(t) != name {
			continue
		}
		if q.Op == "GetTrailStatus" {
			return trailStatus(t), nil
		}
		answer := map[string]any{"TrailARN": name}
		switch {
		case len(t.Advanced) > 0:
			answer["AdvancedEventSelectors"] = t.Advanced
		case len(t.Selectors) > 0:
			answer["EventSelectors"] = t.Selectors
		default:
			answer["EventSelectors"] = []any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": []any{}}}
		}
		return answer, nil
	}
	return nil, &Fault{Code: "TrailNotFoundException", Message: "Unknown trail: " + name}
}

func trailStatus(t Trail) map[string]any {
	out := map[string]any{"IsLogging": !t.Stopped, "StartLoggingTime": float64(time.Now().AddDate(0, -1, 0).Unix())}
	if !t.DeliveredAt.IsZero() {
		out["LatestDeliveryTime"] = float64(t.DeliveredAt.UnixMilli()) / 1000
	}
	if t.DigestError != "" {
		out["LatestDigestDeliveryError"] = t.DigestError
	}
	if t.DeliveryError != "" {
		out["LatestDeliveryError"] = t.DeliveryError
	}
	return out
}
