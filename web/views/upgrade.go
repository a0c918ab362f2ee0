package views

import (
	"strings"

	"orrery/internal/review"
	"orrery/web/views/ui"
)

// UpgradePage is what an upgrade of a running review would do.
type UpgradePage struct {
	review.Upgrade
	MayAccept bool
	Problem   string // why it was not done
}

// fateGroup is the questions of one fate.
type fateGroup struct {
	Kind, Title, Meaning string
	Fates                []review.Fate
}

// fates groups the answers of a set by what becomes of them, those to look at first.
func fates(u review.UpgradeSet) []fateGroup {
	all := []fateGroup{
		{Kind: review.FateConfirm, Title: "To be confirmed", Meaning: "The ticks are carried. Notes and not-applicable marks are not: they stand here and in the record, and beside the question."},
		{Kind: review.FateNew, Title: "New", Meaning: "Nobody was asked these yet."},
		{Kind: review.FateGone, Title: "Gone", Meaning: "These are asked no more. Their answers stay in the record."},
		{Kind: review.FateOpen, Title: "Unanswered", Meaning: "These wait for an answer, as before."},
		{Kind: review.FateStays, Title: "Stay", Meaning: "The questions are unchanged, so the answers stand."},
	}
	var list []fateGroup
	for _, g := range all {
		for _, f := range u.Answers {
			if f.Kind == g.Kind {
				g.Fates = append(g.Fates, f)
			}
		}
		if len(g.Fates) > 0 {
			list = append(list, g)
		}
	}
	return list
}

// fateSum says in one line what becomes of the answers.
func fateSum(u review.UpgradeSet) string {
	words := ""
	for i, g := range fates(u) {
		if i > 0 {
			words += ", "
		}
		words += itoa(len(g.Fates)) + " " + fateWord[g.Kind]
	}
	return words + "."
}

var fateWord = map[string]string{
	review.FateConfirm: "to be confirmed", review.FateNew: "new", review.FateGone: "gone", review.FateOpen: "unanswered", review.FateStays: "stay",
}

// changeSum counts what changed in the questions. What it means for the answers stands below.
func changeSum(u review.UpgradeSet) string {
	var words []string
	for _, g := range u.Difference.Groups() {
		words = append(words, itoa(len(g.Changes))+" "+strings.ToLower(g.Title))
	}
	return "Changes in the set: " + orElse(strings.Join(words, ", "), "none") + "."
}

// kindOfChange is "major" or "minor".
func kindOfChange(u review.UpgradeSet) string {
	if u.Difference.Major {
		return "major"
	}
	return "minor"
}

// fateRisk is the risk beside a question: as its row begins, or as it was when it is gone.
func fateRisk(f review.Fate) string {
	if f.Kind == review.FateGone {
		return string(f.Before.Risk)
	}
	return string(f.After().Risk)
}

// fateMeta says who answered, and what the risk was and becomes.
func fateMeta(f review.Fate) string {
	if f.Before.Version == 0 && f.Before.Origin == nil {
		return "Not answered"
	}
	words := ui.RiskWord(string(f.Before.Risk))
	if now := f.After().Risk; f.Kind != review.FateGone && now != f.Before.Risk {
		words += " before, " + ui.RiskWord(string(now)) + " now"
	}
	by := f.Before.SavedBy
	if by == "" && f.Before.Origin != nil {
		by = f.Before.Origin.SavedBy
	}
	if by != "" {
		words += ", " + by
	}
	return words
}
