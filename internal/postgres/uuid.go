package postgres

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// uuidCodec reads a uuid as its sixteen bytes. Without it pgx finds that *uuid.UUID is a
// sql.Scanner before it asks for plans that wrap it, writes the bytes out as text and has
// that parsed again.
type uuidCodec struct{ pgxuuid.UUIDCodec }

// PlanScan is of pgtype.Codec.
func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return copyUUID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

// copyUUID leaves the target as it is when there is no value, as uuid.UUID.Scan does.
type copyUUID struct{}

func (copyUUID) Scan(src []byte, target any) error {
	if src == nil {
		return nil
	}
	id, ok := target.(*uuid.UUID)
	if !ok || len(src) != len(id) {
		return fmt.Errorf("%d bytes are no uuid", len(src))
	}
	copy(id[:], src)
	return nil
}
