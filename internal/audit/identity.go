package audit

import (
	"context"

	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// RecordIdentity records an act of the identity room in the organisation's stream. It is
// the identity.Recorder that the program passes to identity.NewService, which may not
// import this room.
func RecordIdentity(ctx context.Context, tx pgx.Tx, who identity.Actor, act identity.Act) error {
	details := make([]Detail, len(act.Details))
	for i, d := range act.Details {
		details[i] = Detail(d)
	}
	return Record(ctx, tx, who, Act{
		Stream: OrgStream, Verb: act.Verb, TargetKind: act.TargetKind, TargetID: act.TargetID, Details: details, At: act.At,
	})
}
