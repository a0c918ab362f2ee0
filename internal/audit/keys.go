package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// Algorithm is what keys sign with.
const Algorithm = "Ed25519"

// Key signs for the installation. The zero Key signs nothing.
type Key struct{ private ed25519.PrivateKey }

// NewKey makes a key.
func NewKey() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make signing key: %w", err)
	}
	return Key{private}, nil
}

// ParseKey reads a key from PKCS#8 in PEM, as PEM writes it.
func ParseKey(text []byte) (Key, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return Key{}, errors.New("it is no PEM block of the type PRIVATE KEY")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("it is no PKCS#8 key: %w", err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("it is a %T, not an Ed25519 key", parsed)
	}
	return Key{private}, nil
}

// PEM writes the private key as PKCS#8: a secret.
func (k Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("encode signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Zero reports whether there is no key.
func (k Key) Zero() bool { return k.private == nil }

// ID names the key: the first 16 hex digits of the SHA-256 of its public half.
func (k Key) ID() string { return KeyID(k.Public()) }

// Public is the public half.
func (k Key) Public() []byte { return k.private.Public().(ed25519.PublicKey) }

// Sign signs the bytes.
func (k Key) Sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

// KeyID is the name of the key with this public half.
func KeyID(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:])[:16]
}

// PublicKey is the public half of a key that was used.
type PublicKey struct {
	ID        string
	Algorithm string
	PublicKey []byte
	FirstUsed time.Time
}

// KeepKey stores the public half of the key and records it, once per key. The program calls
// it at every start, before anything is signed.
func KeepKey(ctx context.Context, db *pgxpool.Pool, who identity.Actor, k Key, now time.Time) error {
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		const sql = `insert into signing_keys (id, algorithm, public_key, first_used) values ($1, $2, $3, $4) on conflict (id) do nothing`
		tag, err := tx.Exec(ctx, sql, k.ID(), Algorithm, k.Public(), now)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return Record(ctx, tx, who, Act{Stream: OrgStream, Verb: "signing_key.added", TargetKind: "signing_key", TargetID: k.ID(), At: now})
	})
	if err != nil {
		return fmt.Errorf("keep public key: %w", err)
	}
	return nil
}

// PublicKeys lists every key that ever signed here, the oldest first. They are public.
func PublicKeys(ctx context.Context, q postgres.Querier) ([]PublicKey, error) {
	rows, err := q.Query(ctx, `select id, algorithm, public_key, first_used from signing_keys order by first_used, id`)
	if err != nil {
		return nil, fmt.Errorf("read public keys: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[PublicKey])
}
