// Package workload holds the systems under review and the parts of them in AWS.
package workload

import (
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

// The stages of a workload's life.
const (
	Planned = "planned"
	Live    = "live"
	Retired = "retired"
)

// Workload is a system under review.
type Workload struct {
	ID          uuid.UUID
	Key         string // stable address; old keys redirect
	Name        string
	Description string
	TeamID      uuid.UUID
	TeamKey     string
	TeamName    string
	Tier        int    // 1 critical .. 3
	Stage       string // Planned, Live, Retired
	Restricted  bool   // seen only by its team, holders of a grant on it, and auditors
	LaunchOn    *time.Time
	Version     int // for optimistic locking
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Production  Scope // the zero Scope when there is none

	RetiredAt     *time.Time // nil unless it was retired by the act of that name
	RetiredReason string
}

// Target is what identity decides on.
func (w Workload) Target() identity.Target {
	return identity.Target{WorkloadID: w.ID, TeamID: w.TeamID, Restricted: w.Restricted}
}

// Scope is a named part of a workload in AWS. Tags are key=value; a resource belongs when
// it carries one of them. An empty scope means that only people bring evidence.
type Scope struct {
	ID             uuid.UUID
	Name           string
	Accounts       []string // twelve digits each
	Regions        []string
	Tags           []string
	ApplicationARN string
	WAWorkloads    []string // names or ARNs of the Well-Architected Tool's workloads
}

// Empty reports whether nothing in AWS is named.
func (s Scope) Empty() bool { return len(s.Accounts) == 0 || len(s.Regions) == 0 }

// TierCriteria are the three plain questions that set the tier.
var TierCriteria = [3]string{
	"Tier 1, critical: customers or safety are harmed within minutes of an outage, or money or data is lost for good.",
	"Tier 2, important: customers notice within a day, or other teams cannot work.",
	"Tier 3, supporting: an outage of a day is a nuisance that people can work around.",
}

// Input is what a person may set. Lists are as typed: commas, spaces or lines between.
type Input struct {
	Key            string
	Name           string
	Description    string
	TeamKey        string
	Tier           int
	Stage          string
	Restricted     bool
	LaunchOn       string // 2006-01-02 or empty
	Accounts       []string
	Regions        []string
	Tags           []string
	ApplicationARN string
	WAWorkloads    []string
}
