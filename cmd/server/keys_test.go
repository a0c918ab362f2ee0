package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"orrery/internal/audit"
	"orrery/internal/review"
)

// TestReviewVerify runs the scripts of testdata/verify with the built program on a record that
// was sealed by hand, and on copies in which one thing is different.
func TestReviewVerify(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "verify"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
			e.Setenv("ORRERY_DATA", "/dev/null/none")
			e.Setenv("ORRERY_LISTEN", "127.0.0.1:0")
			for name, text := range records(t) {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), text, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ends": endsWith(path)},
	})
}

// hashed is the hash that a record names for the bytes.
func hashed(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealedBy makes a record signed by the key.
func sealedBy(t *testing.T, k audit.Key, change func(*review.Snapshot)) review.Frozen {
	t.Helper()
	content := review.Snapshot{
		Schema: 1, Workload: review.SnapshotWorkload{Key: "payments", Name: "Payments"},
		Review: review.SnapshotReview{ID: "01a1fd2b-3946-732c-8697-afefd264109c", TypeName: "New service", Round: 2},
	}
	change(&content)
	f := review.Frozen{Name: "payments", Content: encoded(t, content)}
	f.ContentSHA256 = hashed(f.Content)
	f.Seal = encoded(t, review.Seal{Schema: 1, ContentSHA256: f.ContentSHA256, Decision: review.SealedDecision{Outcome: "go", DecidedAt: "2026-11-21T09:00:00Z"}})
	f.SealSHA256 = hashed(f.Seal)
	signed := encoded(t, review.Checkpoint{
		Schema: 1, Kind: review.CheckpointKind, Review: content.Review.ID, Round: 2, ContentSHA256: f.ContentSHA256, SealSHA256: f.SealSHA256,
		DecidedAt: "2026-11-21T09:00:00Z", KeyID: k.ID(),
	})
	f.Checkpoint = &review.SignedCheckpoint{Signed: signed, Signature: hex.EncodeToString(k.Sign(signed))}
	return f
}

func newKey(t *testing.T) audit.Key {
	t.Helper()
	k, err := audit.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keyFile(t *testing.T, k audit.Key) []byte {
	t.Helper()
	return encoded(t, map[string]any{"keys": []any{map[string]string{"kid": k.ID(), "alg": audit.Algorithm, "public_key": base64.StdEncoding.EncodeToString(k.Public())}}})
}

// records are the files of the scripts.
func records(t *testing.T) map[string][]byte {
	t.Helper()
	k, other := newKey(t), newKey(t)
	same := func(*review.Snapshot) {}
	good := sealedBy(t, k, same)
	file := encoded(t, good)
	with := func(change func(*review.Frozen)) []byte {
		f := good
		point := *good.Checkpoint
		f.Checkpoint = &point
		change(&f)
		return encoded(t, f)
	}
	swap := func(b json.RawMessage, from, to string) json.RawMessage {
		return bytes.Replace(bytes.Clone(b), []byte(from), []byte(to), 1)
	}
	return map[string][]byte{
		"record.json": file, "keys.json": keyFile(t, k), "other.json": keyFile(t, other),
		"submitted.json": with(func(f *review.Frozen) { f.Seal, f.SealSHA256, f.Checkpoint = nil, "", nil }),
		"content.json":   with(func(f *review.Frozen) { f.Content = swap(f.Content, "Payments", "Payment5") }),
		"content-and-hash.json": with(func(f *review.Frozen) {
			f.Content = swap(f.Content, "Payments", "Payment5")
			f.ContentSHA256 = hashed(f.Content)
		}),
		"seal.json": with(func(f *review.Frozen) { f.Seal = swap(f.Seal, `"go"`, `"no"`) }),
		"all-hashes.json": with(func(f *review.Frozen) {
			f.Seal = swap(f.Seal, `"go"`, `"no"`)
			f.SealSHA256 = hashed(f.Seal)
		}),
		"signature.json": with(func(f *review.Frozen) {
			first := map[bool]string{true: "b", false: "a"}[f.Checkpoint.Signature[0] == 'a']
			f.Checkpoint.Signature = first + f.Checkpoint.Signature[1:]
		}),
		"forged.json": with(func(f *review.Frozen) {
			forged := sealedBy(t, other, func(s *review.Snapshot) { s.Workload.Name = "Forged" })
			*f = forged
			f.Checkpoint.Signed = swap(forged.Checkpoint.Signed, other.ID(), k.ID())
			f.Checkpoint.Signature = hex.EncodeToString(other.Sign(f.Checkpoint.Signed))
		}),
		"renamed-key.json": with(func(f *review.Frozen) { f.Checkpoint.Signed = swap(f.Checkpoint.Signed, k.ID(), other.ID()) }),
		"unsigned.json":    with(func(f *review.Frozen) { f.Checkpoint = nil }),
		"sealless.json":    with(func(f *review.Frozen) { f.Seal, f.SealSHA256 = nil, "" }),
		"twice.json":       bytes.Replace(file, []byte(`{"name"`), []byte(`{"content":{},"name"`), 1),
	}
}

// TestKeyOfTheDataFolder wants a key made once, for its owner only, and its public half open.
func TestKeyOfTheDataFolder(t *testing.T) {
	p := startProgram(t)
	path := filepath.Join(p.dir, signingKeyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != fs.FileMode(0o600) {
		t.Fatalf("the key: %v, %v", info, err)
	}
	k, err := readKey(path)
	if err != nil {
		t.Fatal(err)
	}
	keys := func() string {
		t.Helper()
		resp, err := http.Get("http://" + p.addr + "/.well-known/orrery-keys.json")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var body bytes.Buffer
		_, _ = body.ReadFrom(resp.Body)
		return body.String()
	}
	first := keys()
	if !strings.Contains(first, `"kid":"`+k.ID()+`"`) || !strings.Contains(first, base64.StdEncoding.EncodeToString(k.Public())) {
		t.Errorf("the keys are %s, want %s", first, k.ID())
	}
	p.stop()
	p.start()
	if again := keys(); again != first {
		t.Errorf("after a new start the keys are %s, were %s", again, first)
	}
	p.stop()
	if err := os.Remove(path); err != nil { // a lost key: a new one signs, the old one still checks
		t.Fatal(err)
	}
	p.start()
	if later := keys(); strings.Count(later, `"kid"`) != 2 || !strings.Contains(later, k.ID()) {
		t.Errorf("after the key was lost the keys are %s", later)
	}
}
