package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// gateCmd asks a portal that runs somewhere whether a workload may launch. It needs no
// database and no data folder.
type gateCmd struct {
	output
	Workload  string        `arg:"" help:"Key of the workload."`
	Change    string        `help:"Key of a change; without it the whole workload is asked about."`
	URL       string        `env:"ORRERY_URL" help:"Address of the portal. Default: the public URL."`
	Token     string        `env:"ORRERY_TOKEN" help:"API token with the scope reviews:read. Better in the environment or in a file."`
	TokenFile string        `env:"ORRERY_TOKEN_FILE" type:"path" help:"File that holds the token instead."`
	Timeout   time.Duration `default:"20s" help:"How long to try when the portal does not answer."`
}

// Help is shown below the usage.
func (gateCmd) Help() string {
	return "Ends with 0 when it is a go, or a conditional go of which no condition holds it now; with 1 when it holds; " +
		"with 2 when nobody can tell: nothing was ever reviewed, the token does not do, or the portal does not answer."
}

const (
	exitHold       = 1
	exitCannotTell = 2
)

// gateReply is what the gate says, as far as people are told.
type gateReply struct {
	Status   string       `json:"status"`
	Mode     string       `json:"mode"`
	Blockers []gateReason `json:"blockers"`
	Warnings []gateReason `json:"warnings"`
}

type gateReason struct {
	Message string `json:"message"`
	URL     string `json:"url"`
}

// Run asks, says what was answered and ends with its code.
func (c gateCmd) Run(s *session) error {
	raw, err := c.ask(s)
	var g gateReply
	if err == nil {
		err = json.Unmarshal(raw, &g)
	}
	if err != nil {
		if c.json() {
			_ = json.NewEncoder(s.out).Encode(map[string]string{"status": "cannot_tell", "detail": err.Error()})
		}
		return exitError{exitCannotTell, fmt.Errorf("cannot tell whether %s may launch: %w", c.Workload, err)}
	}
	if c.json() {
		_, _ = s.out.Write(append(bytes.TrimSpace(raw), '\n'))
	} else {
		c.tell(s, g)
	}
	switch g.Status {
	case "go", "conditional":
		return nil
	case "hold":
		return exit(exitHold)
	}
	return exit(exitCannotTell)
}

// tell prints the answer and what holds it or should be known.
func (c gateCmd) tell(s *session, g gateReply) {
	about := c.Workload
	if c.Change != "" {
		about += ", change " + c.Change
	}
	s.say("%s: %s", about, g.Status)
	for _, r := range g.Blockers {
		s.say("  holds: %s %s", r.Message, r.URL)
	}
	for _, r := range g.Warnings {
		s.say("  note: %s %s", r.Message, r.URL)
	}
	if g.Status == "hold" && g.Mode == "advise" {
		s.say("  The type of this review advises pipelines, and does not stop them.")
	}
}

// ask sends the request until it is answered or the time is over.
func (c gateCmd) ask(s *session) ([]byte, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(c.URL, "/")
	if base == "" {
		base = s.config.publicURL()
	}
	if !strings.HasPrefix(base, "https://") && !strings.HasPrefix(base, "http://") {
		return nil, fmt.Errorf("the address of the portal begins with https:// or http://, and %q does not", base)
	}
	address := base + "/api/v1/workloads/" + url.PathEscape(c.Workload) + "/launch"
	if c.Change != "" {
		address += "?" + url.Values{"change": {c.Change}}.Encode()
	}
	ctx, cancel := context.WithTimeout(s.ctx, c.Timeout)
	defer cancel()
	for pause := time.Second; ; pause *= 2 {
		body, again, err := askOnce(ctx, address, token)
		if err == nil || !again {
			return body, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

func (c gateCmd) token() (string, error) {
	token := c.Token
	if c.TokenFile != "" {
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		token = string(b)
	}
	if token = strings.TrimSpace(token); token == "" {
		return "", errors.New("there is no token: set ORRERY_TOKEN or ORRERY_TOKEN_FILE")
	}
	return token, nil
}

// askOnce sends the request; again says that a later try may be answered.
func askOnce(ctx context.Context, address, token string) (body []byte, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, true, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return nil, true, err
	}
	if resp.StatusCode == http.StatusOK {
		return body, false, nil
	}
	var p struct{ Detail string }
	_ = json.Unmarshal(body, &p)
	err = fmt.Errorf("the portal answered %d: %s", resp.StatusCode, p.Detail)
	return nil, resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, err
}
