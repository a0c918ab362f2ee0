package outbound

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrNoKey is the cause when something is to be sealed or opened and no key was given.
var ErrNoKey = errors.New("there is no key for secrets")

const keyPrefix = "orrery-secrets-1:"

// Vault seals secrets for the database with AES-256-GCM. The first key seals, every key
// opens, so that a key is changed by putting a new one first.
type Vault struct{ keys []vaultKey }

type vaultKey struct {
	id   [4]byte // tells which key sealed
	aead cipher.AEAD
}

// NewVaultKey returns a new key as ParseVault reads it.
func NewVaultKey() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return keyPrefix + base64.StdEncoding.EncodeToString(raw)
}

// ParseVault reads keys, a line each; without any the vault is closed.
func ParseVault(s string) (*Vault, error) {
	v := &Vault{}
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, keyPrefix))
		if err != nil || len(raw) != 32 || !strings.HasPrefix(line, keyPrefix) {
			return nil, fmt.Errorf("a key for secrets begins with %s and holds 32 bytes", keyPrefix)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		k := vaultKey{aead: aead}
		sum := sha256.Sum256(append([]byte("orrery.secrets.id\n"), raw...))
		copy(k.id[:], sum[:])
		v.keys = append(v.keys, k)
	}
	return v, nil
}

// Ready reports whether secrets can be sealed.
func (v *Vault) Ready() bool { return v != nil && len(v.keys) > 0 }

// Seal encrypts a secret for one place: purpose names the row and column that it is for, and
// it opens nowhere else.
func (v *Vault) Seal(purpose, secret string) ([]byte, error) {
	if !v.Ready() {
		return nil, ErrNoKey
	}
	k := v.keys[0]
	sealed := append([]byte{1}, k.id[:]...)
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce)
	sealed = append(sealed, nonce...)
	return k.aead.Seal(sealed, nonce, []byte(secret), []byte(purpose)), nil
}

// Open decrypts what Seal made for the purpose.
func (v *Vault) Open(purpose string, sealed []byte) (string, error) {
	if !v.Ready() {
		return "", ErrNoKey
	}
	const head = 5
	for _, k := range v.keys {
		n := k.aead.NonceSize()
		if len(sealed) < head+n || sealed[0] != 1 || string(sealed[1:head]) != string(k.id[:]) {
			continue
		}
		plain, err := k.aead.Open(nil, sealed[head:head+n], sealed[head+n:], []byte(purpose))
		if err != nil {
			return "", errors.New("a sealed secret does not open: it was changed or moved")
		}
		return string(plain), nil
	}
	return "", errors.New("a sealed secret was made with a key that is not here")
}
