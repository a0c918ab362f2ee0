package review

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
)

// Checkpoint is what is signed when a round is sealed: the hashes of its content and of its
// seal, and where they belong. Like a Snapshot it is encoded once and kept as bytes.
type Checkpoint struct {
	Schema        int    `json:"schema"` // 1
	Kind          string `json:"kind"`   // CheckpointKind
	Review        string `json:"review"`
	Round         int    `json:"round"`
	ContentSHA256 string `json:"content_sha256"`
	SealSHA256    string `json:"seal_sha256"`
	DecidedAt     string `json:"decided_at"`
	KeyID         string `json:"key_id"`
}

// CheckpointKind is the kind of a checkpoint over a decision.
const CheckpointKind = "decision"

// SignedCheckpoint is a checkpoint with its signature, as an exported record carries it. The
// signature is over the bytes of Signed as they are.
type SignedCheckpoint struct {
	Signed    json.RawMessage `json:"signed"`
	Signature string          `json:"signature"` // hex
}

// SignWith makes the service sign what it seals. The program calls it once, before the
// service is used; the public half must be kept already.
func (s *Service) SignWith(k audit.Key) { s.key = k }

// insertCheckpoint signs the hashes of the decision; without a key it does nothing.
func (s *Service) insertCheckpoint(ctx context.Context, tx pgx.Tx, r Readout, decision uuid.UUID, seal []byte, now time.Time) error {
	if s.key.Zero() {
		return nil
	}
	signed, _, err := encode(Checkpoint{
		Schema: 1, Kind: CheckpointKind, Review: r.ID.String(), Round: r.Round.Number, ContentSHA256: hex.EncodeToString(r.Round.ContentSHA256),
		SealSHA256: hex.EncodeToString(seal), DecidedAt: moment(&now), KeyID: s.key.ID(),
	})
	if err != nil {
		return err
	}
	const sql = `insert into checkpoints (decision_id, key_id, signed, signature) values ($1, $2, $3, $4)`
	if _, err := tx.Exec(ctx, sql, decision, s.key.ID(), signed, s.key.Sign(signed)); err != nil {
		return fmt.Errorf("insert checkpoint: %w", err)
	}
	return nil
}
