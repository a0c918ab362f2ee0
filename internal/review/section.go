package review

import (
	"context"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

// SectionPage is a section of a review with all its questions, for one page.
type SectionPage struct {
	Review
	Section  Section
	Place    int    // of its first question among all, from 1
	Of       int    // how many questions there are in all
	Previous string // paths of the sections around; empty at the ends
	Next     string
}

// SectionPath is the address of a section of the review on one page.
func (r Review) SectionPath(section Section) string {
	return r.Path() + "/s/" + section.Questionnaire + "/" + section.ID
}

// Anchor is where the question stands on the page of its section.
func (e *Entry) Anchor() string { return "q-" + e.Question.ID }

// Section reads one section of a review; not found when the review is not readable or asks
// nothing of the section.
func (s *Service) Section(ctx context.Context, who identity.Actor, id uuid.UUID, set, section string) (SectionPage, error) {
	sheet, err := s.Sheet(ctx, who, id)
	if err != nil {
		return SectionPage{}, err
	}
	p := SectionPage{Review: sheet.Review, Of: len(sheet.entries), Place: 1}
	for i, one := range sheet.Sections {
		if one.Questionnaire != set || one.ID != section {
			p.Place += len(one.Entries)
			continue
		}
		p.Section = one
		if i > 0 {
			p.Previous = sheet.SectionPath(sheet.Sections[i-1])
		}
		if i+1 < len(sheet.Sections) {
			p.Next = sheet.SectionPath(sheet.Sections[i+1])
		}
		return p, nil
	}
	return SectionPage{}, fault.New(fault.NotFound, "This review asks nothing of that section.")
}

// SectionLink is the question's place on the page of its section.
func (p QuestionPage) SectionLink() string {
	return p.Path() + "/s/" + p.Entry.Questionnaire + "/" + p.Section.ID + "#" + p.Entry.Anchor()
}
