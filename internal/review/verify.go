package review

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"orrery/internal/audit"
)

// Check is one thing that was checked about an exported record.
type Check struct {
	OK   bool
	Text string // one sentence: what holds, or what differs
}

// Verification is what checking an exported record found.
type Verification struct {
	Name   string // the workload, the type and the round, as the content says
	Checks []Check
	Signed bool   // the signature was checked and holds
	Beside string // what the file says became of it, which nothing proves
}

// OK reports whether everything that was checked holds.
func (v Verification) OK() bool {
	for _, c := range v.Checks {
		if !c.OK {
			return false
		}
	}
	return true
}

// check adds a check with the sentence that fits.
func (v *Verification) check(ok bool, holds, differs string, args ...any) {
	words := differs
	if ok {
		words = holds
	}
	v.Checks = append(v.Checks, Check{OK: ok, Text: fmt.Sprintf(words, args...)})
}

// Verify checks an exported record by nothing but its own bytes and the public keys; without
// keys it does not check the signature. It reads the bytes of content, seal and checkpoint
// as they stand in the file. An error means that the file is no record.
func Verify(file []byte, keys []audit.PublicKey) (Verification, error) {
	var v Verification
	f, err := readFrozen(file)
	if err != nil {
		return v, err
	}
	var snap Snapshot
	if err := json.Unmarshal(f.Content, &snap); err != nil {
		return v, fmt.Errorf("its content cannot be read: %w", err)
	}
	v.Name = fmt.Sprintf("%s (%s), %s, round %d", snap.Workload.Name, snap.Workload.Key, snap.Review.TypeName, snap.Review.Round)
	v.Beside = f.besideWords(snap)
	content := digest(f.Content)
	v.check(content == f.ContentSHA256, "The content has the hash that the file names.", "The content does not have the hash that the file names: it was changed, or the file was laid out anew.")
	if f.Seal == nil {
		if f.Checkpoint != nil {
			v.check(false, "", "There is a signature but no seal: the seal was taken out.")
		}
		return v, nil
	}
	seal := digest(f.Seal)
	v.check(seal == f.SealSHA256, "The seal has the hash that the file names.", "The seal does not have the hash that the file names: it was changed, or the file was laid out anew.")
	var sealed Seal
	if err := json.Unmarshal(f.Seal, &sealed); err != nil {
		return v, fmt.Errorf("its seal cannot be read: %w", err)
	}
	v.check(sealed.ContentSHA256 == content, "The seal is over this content.", "The seal is over another content than the one in the file.")
	return v, v.checkSignature(f, snap, sealed, keys)
}

// besideWords say what the file says became of the round after it was frozen, and where to ask
// what it cannot say.
func (f Frozen) besideWords(snap Snapshot) string {
	if a := f.Afterwards; a != nil {
		words := fmt.Sprintf("The file says that the round was %s by %s on %s.", a.Is, a.By, a.At)
		if a.Reason != "" {
			words += " Reason: " + a.Reason
		}
		return words
	}
	if f.Seal != nil {
		return "The file says nothing of a revocation. One that came after the file was made is not in it: the portal's page /reviews/" + snap.Review.ID + "/record says whether there was one."
	}
	return ""
}

// checkSignature checks the checkpoint against the file, then its signature.
func (v *Verification) checkSignature(f Frozen, snap Snapshot, sealed Seal, keys []audit.PublicKey) error {
	if f.Checkpoint == nil {
		if keys != nil {
			v.check(false, "", "The file has no signature, so the keys cannot say who sealed it.")
		}
		return nil
	}
	var point Checkpoint
	if err := json.Unmarshal(f.Checkpoint.Signed, &point); err != nil {
		return fmt.Errorf("its checkpoint cannot be read: %w", err)
	}
	v.check(point.Schema == 1 && point.Kind == CheckpointKind, "The signature is over a decision.", "The signature is over something else than a decision.")
	v.check(point.ContentSHA256 == digest(f.Content), "The signature is over this content.", "The signature is over another content than the one in the file.")
	v.check(point.SealSHA256 == digest(f.Seal), "The signature is over this seal.", "The signature is over another seal than the one in the file.")
	v.check(point.Review == snap.Review.ID && point.Round == snap.Review.Round, "The signature is for this review and round.", "The signature is for another review or round than the content.")
	v.check(point.DecidedAt == sealed.Decision.DecidedAt, "The signature and the seal name the same time.", "The signature names another time of the decision than the seal.")
	if keys == nil {
		return nil
	}
	for _, k := range keys {
		if k.ID != point.KeyID || audit.KeyID(k.PublicKey) != k.ID || len(k.PublicKey) != ed25519.PublicKeySize {
			continue
		}
		signature, _ := hex.DecodeString(f.Checkpoint.Signature) // what is no hex is no signature
		v.Signed = ed25519.Verify(k.PublicKey, f.Checkpoint.Signed, signature)
		v.check(v.Signed, "The signature is of the key %s.", "The signature is not of the key %s that it names: it, or what it signs, was changed.", k.ID)
		return nil
	}
	v.check(false, "", "The signature names the key %s, which is not among the keys given.", point.KeyID)
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// readFrozen reads an exported record with the bytes of its parts as they stand. A member
// that stands twice, or that no record has, makes it no record: two readers could see two
// things in it.
func readFrozen(file []byte) (Frozen, error) {
	var f Frozen
	members, err := members(file)
	if err != nil {
		return f, err
	}
	for name, raw := range members {
		switch name {
		case "content":
			f.Content = raw
		case "seal":
			f.Seal = raw
		case "name":
			err = json.Unmarshal(raw, &f.Name)
		case "content_sha256":
			err = json.Unmarshal(raw, &f.ContentSHA256)
		case "seal_sha256":
			err = json.Unmarshal(raw, &f.SealSHA256)
		case "afterwards":
			err = json.Unmarshal(raw, &f.Afterwards)
		case "checkpoint":
			f.Checkpoint, err = readCheckpoint(raw)
		default:
			err = errors.New("no record has it")
		}
		if err != nil {
			return f, fmt.Errorf("its member %q cannot be read: %w", name, err)
		}
	}
	if f.Content == nil || f.ContentSHA256 == "" {
		return f, errors.New("it has no content with a hash")
	}
	return f, nil
}

func readCheckpoint(raw []byte) (*SignedCheckpoint, error) {
	parts, err := members(raw)
	if err != nil {
		return nil, err
	}
	point := &SignedCheckpoint{Signed: parts["signed"]}
	if len(parts) != 2 || parts["signed"] == nil || parts["signature"] == nil {
		return nil, errors.New("it must have signed and signature, and nothing else")
	}
	return point, json.Unmarshal(parts["signature"], &point.Signature)
}

// members reads the members of a JSON object with the bytes of each value.
func members(object []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	list := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		name, _ := t.(string) // the decoder lets nothing else be a name
		if list[name] != nil {
			return nil, fmt.Errorf("its member %q stands there twice", name)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		list[name] = raw
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("it ends too early")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its end")
	}
	return list, nil
}
