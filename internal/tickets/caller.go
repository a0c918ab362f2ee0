package tickets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"orrery/internal/outbound"
)

const maxAnswer = 4 << 20 // bytes of a tracker's answer: a hundred issues fit

// refusal is an answer that trying again does not change. Its words are for people; what the
// tracker wrote is not repeated.
type refusal struct {
	Status int
	Words  string
}

func (r *refusal) Error() string { return r.Words }

// caller speaks JSON to a tracker.
type caller struct {
	client      *http.Client
	base        string
	user, token string
	header      map[string]string
}

// do sends in as JSON, unless it is nil, and reads the answer into out, unless it is nil. A
// refusal for what the tracker does not take; any other error may pass.
func (c caller) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return &refusal{Words: "The address of the tracker cannot be used."}
	}
	r.Header = http.Header{"Accept": {"application/json"}, "User-Agent": {"Orrery"}}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	if c.user != "" {
		r.SetBasicAuth(c.user, c.token)
	} else {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.client.Do(r)
	if err != nil {
		if errors.Is(err, outbound.ErrRefused) || errors.Is(err, outbound.ErrPlain) {
			return &refusal{Words: outbound.Say(err)}
		}
		return fmt.Errorf("%s: %w", outbound.Say(err), err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := statusError(answer); err != nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of the tracker: %w", err)
	}
	return nil
}

func statusError(answer *http.Response) error {
	status := answer.StatusCode
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusForbidden && (answer.Header.Get("Retry-After") != "" || answer.Header.Get("X-RateLimit-Remaining") == "0"):
		return errors.New("the tracker takes no more calls for now") // as GitHub says it
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &refusal{status, "The tracker refuses the token: it is wrong, ended, or may not do this."}
	case status == http.StatusNotFound || status == http.StatusGone:
		return &refusal{status, "The tracker knows no such project or ticket, or the token may not see it."}
	case status == http.StatusTooManyRequests || status >= 500:
		return fmt.Errorf("the tracker answered %d", status)
	case status/100 == 3:
		return &refusal{status, "The tracker redirects: it is elsewhere now. Write the address as it is now; where tickets are followed, add another tracker."}
	}
	return &refusal{status, fmt.Sprintf("The tracker did not take it (%d): look at the project and the issue type.", status)}
}
