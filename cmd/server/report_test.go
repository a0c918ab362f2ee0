package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReportsOverTheAPI asks for eight PDFs at once and fetches each when its job is done. The
// gate answers meanwhile.
func TestReportsOverTheAPI(t *testing.T) {
	p := startDemo(t)
	inside := &program{t: t, dir: filepath.Join(p.dir, "demo"), addr: p.addr}
	secret, err := inside.command("token", "create", "--email", "asha@example.com", "--scope", "reviews:read")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, body string) (int, http.Header, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.addr+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(secret))
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, answer
	}
	var reviews struct{ Data []struct{ ID string } }
	_, _, list := ask(http.MethodGet, "/api/v1/reviews?state=all", "")
	if err := json.Unmarshal(list, &reviews); err != nil || len(reviews.Data) == 0 {
		t.Fatalf("%v: %s", err, list)
	}
	var asked []string
	for i := range 8 {
		status, header, body := ask(http.MethodPost, "/api/v1/reviews/"+reviews.Data[i%len(reviews.Data)].ID+"/reports", `{"comments":true}`)
		if status != http.StatusAccepted {
			t.Fatalf("%d %s", status, body)
		}
		asked = append(asked, header.Get("Location"))
	}
	for _, at := range asked {
		for tries := 0; ; tries++ {
			status, _, body := ask(http.MethodGet, at, "")
			if strings.Contains(string(body), `"state":"done"`) {
				break
			}
			if status != http.StatusOK || tries > 300 || strings.Contains(string(body), `"state":"failed"`) {
				t.Fatalf("%d %s", status, body)
			}
			if status, _, _ := ask(http.MethodGet, "/api/v1/workloads/payments/launch", ""); status != http.StatusOK {
				t.Errorf("meanwhile the gate answers %d", status)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if status, header, file := ask(http.MethodGet, at+"/file", ""); status != http.StatusOK || header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(string(file), "%PDF-") {
			t.Errorf("%d %v %.40q", status, header, file)
		}
	}
}
