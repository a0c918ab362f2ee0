package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/review"
)

// keysCmd groups the keys that decisions are signed with.
type keysCmd struct {
	Secrets  keysSecretsCmd  `cmd:"" help:"Print a new key for secrets, for ORRERY_SECRETS_KEY. It is a secret."`
	Generate keysGenerateCmd `cmd:"" help:"Print a new signing key, for ORRERY_SIGNING_KEY. It is a secret."`
}

type keysGenerateCmd struct{}

// Run prints a private key.
func (keysGenerateCmd) Run(s *session) error {
	k, err := audit.NewKey()
	if err != nil {
		return err
	}
	text, err := k.PEM()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.errOut, "The key %s. Keep it secret, and keep it: it is printed only now.\n", k.ID())
	_, _ = s.out.Write(text)
	return nil
}

const signingKeyFile = "signing.key" // in the data folder

// signingKey is the key that this installation signs with: the configured one, else the one
// in the data folder, made at the first start. With a database elsewhere it must be
// configured: several replicas sign with the same one.
func (s *session) signingKey(db *database) (audit.Key, error) {
	switch {
	case s.config.SigningKey != "" && s.config.SigningKeyFile != "":
		return audit.Key{}, fault.New(fault.Unavailable, "Set one of ORRERY_SIGNING_KEY and ORRERY_SIGNING_KEY_FILE, not both.")
	case s.config.SigningKey != "":
		k, err := audit.ParseKey([]byte(s.config.SigningKey))
		if err != nil {
			return k, fault.Wrap(fault.Unavailable, err, "ORRERY_SIGNING_KEY holds no Ed25519 key as orrery keys generate prints it.")
		}
		return k, nil
	case s.config.SigningKeyFile != "":
		return readKey(s.config.SigningKeyFile)
	}
	path := filepath.Join(db.dir, signingKeyFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path); err != nil {
			return audit.Key{}, fault.Wrap(fault.Unavailable, err, "The signing key %s cannot be made.", path)
		}
	}
	return readKey(path)
}

// needsKey refuses to serve from a database elsewhere without a key, before anything starts.
func (c config) needsKey() error {
	if c.DatabaseURL == "" || c.SigningKey != "" || c.SigningKeyFile != "" {
		return nil
	}
	return fault.New(fault.Unavailable, "With DATABASE_URL the key that decisions are signed with must be given: "+
		"run orrery keys generate > signing.key once, keep the file, and set ORRERY_SIGNING_KEY_FILE to it (or ORRERY_SIGNING_KEY to its content).")
}

func readKey(path string) (audit.Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return audit.Key{}, fault.Wrap(fault.Unavailable, err, "The signing key %s cannot be read.", path)
	}
	k, err := audit.ParseKey(text)
	if err != nil {
		return k, fault.Wrap(fault.Unavailable, err, "The file %s holds no Ed25519 key as orrery keys generate prints it.", path)
	}
	return k, nil
}

// makeKey writes a new key, readable by its owner only.
func makeKey(path string) error {
	k, err := audit.NewKey()
	if err != nil {
		return err
	}
	text, err := k.PEM()
	if err != nil {
		return err
	}
	return placeSecret(path, text)
}

// placeSecret writes a file that only its owner reads. It appears under its name whole or not
// at all, and never in place of another that was made meanwhile.
func placeSecret(path string, text []byte) (err error) {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err = os.Link(draft.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// reviewCmd groups what is done with exported reviews.
type reviewCmd struct {
	Verify reviewVerifyCmd `cmd:"" help:"Check a record that was exported as JSON, without a server: hashes, and the signature when keys are given."`
}

type reviewVerifyCmd struct {
	File string `arg:"" help:"The record, as the page of a review gives it."`
	Keys string `help:"The public keys, as /.well-known/orrery-keys.json gives them; - reads them from standard input." placeholder:"FILE"`
}

const codeUnreadable = 2

// maxRecord bounds what is read: a record of 2,000 questions is far below it.
const maxRecord = 256 << 20

// Run checks the record: exit code 0 when all holds, 1 when something does not, 2 when a file
// cannot be read.
func (c reviewVerifyCmd) Run(s *session) error {
	file, err := readAll(c.File)
	if err != nil {
		return exitError{codeUnreadable, err}
	}
	var keys []audit.PublicKey
	if c.Keys != "" {
		if keys, err = readPublicKeys(c.Keys); err != nil {
			return exitError{codeUnreadable, err}
		}
	}
	v, err := review.Verify(file, keys)
	if err != nil {
		return exitError{codeUnreadable, fmt.Errorf("%s is no record: %w", c.File, err)}
	}
	s.say("%s", v.Name)
	for _, check := range v.Checks {
		mark := "ok      "
		if !check.OK {
			mark = "DIFFERS "
		}
		s.say("%s%s", mark, check.Text)
	}
	if v.Beside != "" {
		s.say("beside  %s", v.Beside)
	}
	switch {
	case !v.OK():
		s.say("The record does not verify.")
		return exit(1)
	case v.Signed:
		s.say("The record verifies: nothing was changed since it was sealed.")
	case c.Keys != "":
		s.say("The hashes match. The round is not decided, so there is no signature.")
	default:
		s.say("The hashes match. The signature was not checked: give the public keys with --keys.")
	}
	return nil
}

func readAll(path string) ([]byte, error) {
	in := os.Stdin
	if path != "-" {
		var err error
		if in, err = os.Open(path); err != nil {
			return nil, err
		}
		defer func() { _ = in.Close() }()
	}
	text, err := io.ReadAll(io.LimitReader(in, maxRecord+1))
	if err == nil && len(text) > maxRecord {
		err = fmt.Errorf("%s is larger than a record can be", path)
	}
	return text, err
}

// readPublicKeys reads the file of keys that a server hands out.
func readPublicKeys(path string) ([]audit.PublicKey, error) {
	text, err := readAll(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Keys []struct {
			ID        string `json:"kid"`
			Algorithm string `json:"alg"`
			PublicKey []byte `json:"public_key"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s holds no keys: %w", path, err)
	}
	keys := []audit.PublicKey{}
	for _, k := range file.Keys {
		if k.Algorithm == audit.Algorithm {
			keys = append(keys, audit.PublicKey{ID: k.ID, Algorithm: k.Algorithm, PublicKey: k.PublicKey})
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no %s key", path, audit.Algorithm)
	}
	return keys, nil
}
