package review

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// Snapshot is everything a sign-off binds to: what was asked, what was answered, and what
// the evidence said at submission. It is encoded once; the stored bytes are hashed and
// never marshalled again. No maps, no floats; lists are in the order of the questionnaire
// or sorted; times are RFC 3339 in UTC; absent times and dates are empty.
type Snapshot struct {
	Schema         int                     `json:"schema"` // 1
	Organisation   string                  `json:"organisation"`
	Workload       SnapshotWorkload        `json:"workload"`
	Review         SnapshotReview          `json:"review"`
	Questionnaires []SnapshotQuestionnaire `json:"questionnaires"`
	Sections       []SnapshotSection       `json:"sections"`
	Acceptances    []SnapshotAcceptance    `json:"acceptances"`
}

// SnapshotWorkload is the workload as it stood.
type SnapshotWorkload struct {
	ID       string   `json:"id"`
	Key      string   `json:"key"`
	Name     string   `json:"name"`
	Team     string   `json:"team"`
	Tier     int      `json:"tier"`
	Stage    string   `json:"stage"`
	LaunchOn string   `json:"launch_on"` // 2006-01-02
	Accounts []string `json:"accounts"`  // of the production scope
	Regions  []string `json:"regions"`
	Tags     []string `json:"tags"`
}

// SnapshotReview says which review and round this is, and who submitted it.
type SnapshotReview struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	TypeName     string `json:"type_name"`
	ChangeKey    string `json:"change_key"`
	ChangeTitle  string `json:"change_title"`
	ChangeTicket string `json:"change_ticket"`
	CorePath     bool   `json:"core_path"`
	Round        int    `json:"round"`
	Submission   int    `json:"submission"` // 1 for the first; 0 while a draft
	SubmittedBy  string `json:"submitted_by"`
	SubmittedAt  string `json:"submitted_at"`
}

// SnapshotQuestionnaire is one pinned version.
type SnapshotQuestionnaire struct {
	Key     string `json:"key"`
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // hex, of the published source
}

// SnapshotSection is a section with the questions that were asked.
type SnapshotSection struct {
	Questionnaire string             `json:"questionnaire"`
	ID            string             `json:"id"`
	Name          string             `json:"name"`
	Questions     []SnapshotQuestion `json:"questions"`
}

// SnapshotQuestion is a question with its answer and the evidence beside it.
type SnapshotQuestion struct {
	ID            string            `json:"id"`
	Title         string            `json:"title"`
	Description   string            `json:"description"`
	Why           string            `json:"why"`
	Good          string            `json:"good"`
	Bring         []string          `json:"bring"`
	Required      bool              `json:"required"`
	Risk          string            `json:"risk"`
	Explanation   string            `json:"explanation"` // why the risk is what it is, one sentence
	Unknown       bool              `json:"unknown"`
	NotApplicable bool              `json:"not_applicable"`
	Reason        string            `json:"reason"`               // why it is not applicable
	Notes         string            `json:"notes"`                // Markdown
	ToConfirm     bool              `json:"to_confirm,omitempty"` // carried and not confirmed: only where an upgrade took the round's place
	AnsweredBy    string            `json:"answered_by"`
	AnsweredAt    string            `json:"answered_at"`
	Choices       []SnapshotChoice  `json:"choices"`
	Evidence      []SnapshotVerdict `json:"evidence"`
}

// SnapshotChoice is one choice, ticked or not.
type SnapshotChoice struct {
	ID            string `json:"id"`
	Title         string `json:"title"`
	Weight        string `json:"weight"` // scope, core, alternative, extra; empty for none of these
	Chosen        bool   `json:"chosen"`
	NotApplicable bool   `json:"not_applicable"`
	Reason        string `json:"reason"`
	FirstStep     string `json:"first_step"`
}

// SnapshotVerdict is what the evidence said about a choice.
type SnapshotVerdict struct {
	Check        string            `json:"check"`
	Choice       string            `json:"choice"`
	Claim        string            `json:"claim"`
	Source       string            `json:"source"`
	Key          string            `json:"key"`
	Verdict      string            `json:"verdict"` // supports, contradicts, mixed, cannot_tell, stale
	Against      bool              `json:"against"` // it stands against what was ticked
	Detail       string            `json:"detail"`  // one sentence, with the reason when it cannot tell
	Passed       int               `json:"passed"`
	Failed       int               `json:"failed"`
	Suppressed   int               `json:"suppressed"`
	NotEvaluated int               `json:"not_evaluated"`
	AsOf         string            `json:"as_of"`
	Failing      []SnapshotFailing `json:"failing"` // the first ten
}

// SnapshotFailing is one failing resource.
type SnapshotFailing struct {
	Resource string `json:"resource"`
	Account  string `json:"account"`
	Region   string `json:"region"`
	Note     string `json:"note"`
}

// Seal is the whole sealed record: the content by its hash, and what was decided on it.
type Seal struct {
	Schema        int                  `json:"schema"` // 1
	ContentSHA256 string               `json:"content_sha256"`
	Items         []SealedItem         `json:"items"` // as they stood when sealed
	SignOffs      []SealedSignOff      `json:"sign_offs"`
	Decision      SealedDecision       `json:"decision"`
	Evidence      []SealedNewProof     `json:"changed_since_submission"`
	Acceptances   []SnapshotAcceptance `json:"acceptances"` // as they stood when sealed
}

// SealedItem is an item as it stood when the round was sealed.
type SealedItem struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Cause  string `json:"cause"`         // question or condition
	Key    string `json:"key,omitempty"` // of a question, questionnaire/question; seals of before have none
	Risk   string `json:"risk"`
	Timing string `json:"timing"`
	Owner  string `json:"owner"`
	DueOn  string `json:"due_on"`
	State  string `json:"state"`
}

// SealedSignOff is one approver's voice.
type SealedSignOff struct {
	Person      string `json:"person"`
	Voice       string `json:"voice"` // agree, object
	Note        string `json:"note"`
	OutsideTeam bool   `json:"outside_team"`
	SignedAt    string `json:"signed_at"`
}

// SealedDecision is the outcome with its conditions.
type SealedDecision struct {
	Outcome    string            `json:"outcome"` // go, conditional, no_go
	Reason     string            `json:"reason"`
	DecidedBy  string            `json:"decided_by"`
	DecidedAt  string            `json:"decided_at"`
	ValidUntil string            `json:"valid_until"` // empty for no_go
	Conditions []SealedCondition `json:"conditions"`
}

// SealedCondition is one demand of a conditional decision.
type SealedCondition struct {
	Text   string `json:"text"`
	Timing string `json:"timing"` // before_launch, after_launch
	Owner  string `json:"owner"`
	DueOn  string `json:"due_on"`
}

// SealedNewProof is a contradiction that came after submission and was acknowledged.
type SealedNewProof struct {
	Question string `json:"question"`
	Check    string `json:"check"`
	Before   string `json:"before"`
	Now      string `json:"now"`
}

// encode returns the canonical bytes of a record and their SHA-256.
func encode(record any) (encoded, sum []byte, err error) {
	encoded, err = json.Marshal(record)
	if err != nil {
		return nil, nil, fmt.Errorf("encode record: %w", err)
	}
	h := sha256.Sum256(encoded)
	return encoded, h[:], nil
}
