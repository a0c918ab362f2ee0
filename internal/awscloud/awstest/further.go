package awstest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	wire "github.com/aws/smithy-go/encoding/cbor"
)

// Answers are scripted answers by operation: a string is XML, anything else a document. The
// input is the decoded request; of a form and a query its fields as text.
type Answers map[string]func(in map[string]any) (any, *Fault)

// Always answers the same.
func Always(out any) func(map[string]any) (any, *Fault) {
	return func(map[string]any) (any, *Fault) { return out, nil }
}

// Refuse answers with a fault.
func Refuse(code string) func(map[string]any) (any, *Fault) {
	return func(map[string]any) (any, *Fault) { return nil, &Fault{Code: code, Message: "refused"} }
}

// Pages answers with one of the pages after another, by the number that a token has. field
// is the input's name of the token; put adds the next token to a page.
func Pages(field string, pages []any, put func(page any, token string) any) func(map[string]any) (any, *Fault) {
	return func(in map[string]any) (any, *Fault) {
		n := 0
		if token, _ := in[field].(string); token != "" {
			if _, err := fmt.Sscanf(token, "page-%d", &n); err != nil || n >= len(pages) {
				return nil, &Fault{Code: "InvalidNextToken", Message: "Invalid token"}
			}
		}
		if n+1 < len(pages) {
			return put(pages[n], fmt.Sprintf("page-%d", n+1)), nil
		}
		return pages[n], nil
	}
}

// Event is an event of CloudTrail's history.
type Event struct {
	Name   string
	Source string
	User   string
	Error  string // its errorCode
	Root   bool
	Failed bool // a ConsoleLogin that failed
	At     time.Time
}

// lookupEvents filters by the one attribute and the window, fifty a page at most.
func lookupEvents(q request, r *Region) (any, *Fault) {
	attributes := list(q.in["LookupAttributes"])
	if len(attributes) != 1 {
		return nil, &Fault{Code: "InvalidLookupAttributesException", Message: "You can specify one attribute only."}
	}
	by, _ := attributes[0].(map[string]any)
	from, _ := q.in["StartTime"].(float64)
	to, _ := q.in["EndTime"].(float64)
	var match []Event
	for _, e := range r.Events {
		at := float64(e.At.Unix())
		if at >= from && at <= to && (by["AttributeKey"] == "EventName" && by["AttributeValue"] == e.Name || by["AttributeKey"] == "Username" && by["AttributeValue"] == e.User) {
			match = append(match, e)
		}
	}
	slices.SortFunc(match, func(a, b Event) int { return b.At.Compare(a.At) })
	start, size := 0, 50
	if token, _ := q.in["NextToken"].(string); token != "" {
		_, _ = fmt.Sscanf(token, "events-%d", &start)
	}
	if n, ok := q.in["MaxResults"].(float64); ok {
		size = min(size, int(n))
	}
	end := min(start+size, len(match))
	out := []any{}
	for i, e := range match[min(start, end):end] {
		out = append(out, e.wire(start+i))
	}
	answer := map[string]any{"Events": out}
	if end < len(match) {
		answer["NextToken"] = fmt.Sprintf("events-%d", end)
	}
	return answer, nil
}

func (e Event) wire(n int) map[string]any {
	doc := map[string]any{"eventName": e.Name, "userIdentity": map[string]any{"type": "AssumedRole"}}
	if e.Root {
		doc["userIdentity"] = map[string]any{"type": "Root"}
	}
	if e.Error != "" {
		doc["errorCode"] = e.Error
	}
	if e.Name == "ConsoleLogin" {
		said := "Success"
		if e.Failed {
			said = "Failure"
		}
		doc["responseElements"] = map[string]any{"ConsoleLogin": said}
	}
	text, _ := json.Marshal(doc) // plain texts
	return map[string]any{"EventId": fmt.Sprintf("event-%d", n), "EventName": e.Name, "EventSource": e.Source, "Username": e.User,
		"EventTime": float64(e.At.Unix()), "CloudTrailEvent": string(text)}
}

// restOp names the operation of a REST call.
func restOp(r *http.Request) string {
	path := r.URL.Path
	if op, ok := restOps[r.Method+" "+path]; ok {
		return op
	}
	switch {
	case strings.HasPrefix(path, "/findingAggregator/get/"):
		return "GetFindingAggregator"
	case strings.HasPrefix(path, "/backup/plans/") && strings.Contains(path, "/selections"):
		return "ListBackupSelections"
	case strings.HasPrefix(path, "/backup/plans"):
		return "ListBackupPlans"
	case strings.HasPrefix(path, "/restore-jobs"):
		return "ListRestoreJobs"
	case path == "/getAlternateContact":
		return "GetAlternateContact"
	}
	return toolOp(path)
}

// queryFault writes an error as EC2 or as the other services of the query protocol do.
func queryFault(op string, f Fault) string {
	var message bytes.Buffer
	_ = xml.EscapeText(&message, []byte(f.Message)) // a buffer takes everything
	if slices.Contains([]string{"DescribeVpcs", "DescribeFlowLogs"}, op) {
		return fmt.Sprintf(`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>1</RequestID></Response>`, f.Code, message.String())
	}
	return fmt.Sprintf(`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>`, f.Code, message.String())
}

// readCBOR decodes the request's body.
func (q *request) readCBOR() error {
	if len(q.body) == 0 {
		return nil
	}
	v, err := wire.Decode(q.body)
	if m, ok := v.(wire.Map); ok {
		for k, e := range m {
			if text, ok := e.(wire.String); ok {
				q.in[k] = string(text)
			}
		}
	}
	return err
}

func writeCBOR(w http.ResponseWriter, status int, out any) {
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.WriteHeader(status)
	_, _ = w.Write(wire.Encode(toCBOR(out)))
}

func toCBOR(v any) wire.Value {
	switch x := v.(type) {
	case string:
		return wire.String(x)
	case bool:
		return wire.Bool(x)
	case []string:
		out := wire.List{}
		for _, e := range x {
			out = append(out, wire.String(e))
		}
		return out
	case []any:
		out := wire.List{}
		for _, e := range x {
			out = append(out, toCBOR(e))
		}
		return out
	case map[string]any:
		out := wire.Map{}
		for k, e := range x {
			out[k] = toCBOR(e)
		}
		return out
	}
	return &wire.Nil{}
}
