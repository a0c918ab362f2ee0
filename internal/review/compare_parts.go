package review

import (
	"strconv"
	"strings"

	"orrery/internal/remediation"
	"orrery/internal/text"
)

// This file compares the parts of a question, and what stands around the questions.

// changes collects texts that changed.
type changes []TextChange

func (c *changes) compare(what, old, new string) {
	if !text.SameWords(old, new) {
		*c = append(*c, TextChange{What: what, Pieces: text.Diff(old, new)})
	}
}

func frameChanges(earlier, later Snapshot) []TextChange {
	var c changes
	a, b := earlier.Workload, later.Workload
	c.compare("Name", a.Name, b.Name)
	c.compare("Team", a.Team, b.Team)
	c.compare("Tier", strconv.Itoa(a.Tier), strconv.Itoa(b.Tier))
	c.compare("Stage", a.Stage, b.Stage)
	c.compare("Launch date", a.LaunchOn, b.LaunchOn)
	c.compare("Accounts", strings.Join(a.Accounts, " "), strings.Join(b.Accounts, " "))
	c.compare("Regions", strings.Join(a.Regions, " "), strings.Join(b.Regions, " "))
	c.compare("Tags", strings.Join(a.Tags, " "), strings.Join(b.Tags, " "))
	c.compare("Review type", earlier.Review.TypeName, later.Review.TypeName)
	c.compare("Change", changeWords(earlier.Review), changeWords(later.Review))
	c.compare("Questionnaires", setWords(earlier), setWords(later))
	return c
}

func changeWords(r SnapshotReview) string {
	return strings.Join([]string{r.ChangeKey, r.ChangeTitle, r.ChangeTicket}, " ")
}

func setWords(s Snapshot) string {
	var lines []string
	for _, q := range s.Questionnaires {
		lines = append(lines, q.Name+" "+q.Version)
	}
	return strings.Join(lines, "\n")
}

// answerChanges compares what was said besides ticks.
func answerChanges(old, q *SnapshotQuestion) []TextChange {
	var c changes
	c.compare("Do not know", said(old.Unknown, "ticked"), said(q.Unknown, "ticked"))
	c.compare("Not applicable", said(old.NotApplicable, wordsOr(old.Reason, "without a reason")), said(q.NotApplicable, wordsOr(q.Reason, "without a reason")))
	for _, choice := range q.Choices {
		was := choiceOf(old, choice.ID)
		c.compare("Not applicable: "+choice.Title, said(was.NotApplicable, wordsOr(was.Reason, "without a reason")), said(choice.NotApplicable, wordsOr(choice.Reason, "without a reason")))
	}
	c.compare("Notes", old.Notes, q.Notes)
	return c
}

// acceptanceChange compares whether the risk of a question is accepted.
func acceptanceChange(earlier, later Snapshot, key string) []TextChange {
	var c changes
	c.compare("Risk acceptance", acceptanceWords(earlier, key), acceptanceWords(later, key))
	return c
}

func acceptanceWords(s Snapshot, key string) string {
	var lines []string
	for _, a := range s.Acceptances {
		if a.Question == key {
			words := "Asked for until " + a.Until
			if a.State == remediation.Granted {
				words = "Accepted until " + a.Until + " by " + a.GrantedBy
			}
			lines = append(lines, words+": "+a.Reason)
		}
	}
	return strings.Join(lines, "\n")
}

// said is the words when they were meant.
func said(meant bool, words string) string {
	if meant {
		return words
	}
	return ""
}

func wordsOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func evidenceChanges(old, q *SnapshotQuestion) []EvidenceChange {
	var list []EvidenceChange
	for _, v := range q.Evidence {
		was := verdictOf(old, v.Check)
		if was.Verdict != v.Verdict || was.Against != v.Against {
			list = append(list, EvidenceChange{Check: v.Check, Claim: wordsOr(v.Claim, v.Check), Before: was.Verdict, Now: v.Verdict, Against: v.Against})
		}
	}
	for _, v := range old.Evidence {
		if verdictOf(q, v.Check).Check == "" {
			list = append(list, EvidenceChange{Check: v.Check, Claim: wordsOr(v.Claim, v.Check), Before: v.Verdict})
		}
	}
	return list
}

// verdictOf returns the verdict of the check, or the zero verdict.
func verdictOf(q *SnapshotQuestion, check string) SnapshotVerdict {
	for _, v := range q.Evidence {
		if v.Check == check {
			return v
		}
	}
	return SnapshotVerdict{}
}

// wordChanges compares what was asked.
func wordChanges(old, q *SnapshotQuestion) []TextChange {
	var c changes
	c.compare("Title", old.Title, q.Title)
	c.compare("Description", old.Description, q.Description)
	c.compare("Why it matters", old.Why, q.Why)
	c.compare("What good looks like", old.Good, q.Good)
	c.compare("What to bring", strings.Join(old.Bring, "\n"), strings.Join(q.Bring, "\n"))
	c.compare("Answer", required(old.Required), required(q.Required))
	for _, choice := range q.Choices {
		was := choiceOf(old, choice.ID)
		if was.ID == "" {
			c.compare("New choice", "", choice.Title)
			continue
		}
		c.compare("Choice", was.Title, choice.Title)
		c.compare("Weight of “"+choice.Title+"”", was.Weight, choice.Weight)
	}
	for _, choice := range old.Choices {
		if choiceOf(q, choice.ID).ID == "" {
			c.compare("Choice that is gone", choice.Title, "")
		}
	}
	return c
}

func required(yes bool) string {
	if yes {
		return "required"
	}
	return "optional"
}
