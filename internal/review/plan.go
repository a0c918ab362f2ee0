package review

import (
	"context"
	"slices"

	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// Plan is what a person should know before starting: what would be asked.
type Plan struct {
	Type      Type
	Questions int
	Minutes   int
	Bring     []Bring // what to have at hand, each once, by the sections that ask for it
	Signoffs  int
	Carried   int // questions that the history of Past answers
}

// Bring is what to have at hand for a section.
type Bring struct {
	Section string
	Items   []string
}

// Offer is a set that may be asked beside those of a type.
type Offer struct {
	Key, Name, Description string
	Questions              int
	Minutes                int
}

// offered is the newest version of a set, with what is switched off of it.
type offered struct {
	questionnaire.Published
	set *questionnaire.Questionnaire
	off map[string]questionnaire.SwitchedOff
}

// newest reads the newest version of the set; not found when there is none.
func (s *Service) newest(ctx context.Context, q postgres.Querier, key string) (offered, error) {
	pub, err := s.library.Newest(ctx, q, key, "")
	if err != nil {
		return offered{}, err
	}
	return s.version(ctx, q, pub)
}

func (s *Service) version(ctx context.Context, q postgres.Querier, pub questionnaire.Published) (offered, error) {
	o := offered{Published: pub}
	var err error
	if o.set, err = s.library.Version(ctx, q, pub.ID); err != nil {
		return o, err
	}
	o.off, err = s.library.SwitchedOff(ctx, q, pub.Key)
	return o, err
}

// PlanFor tells what a review of the type would ask of the workload, with the extra sets
// beside and the history to carry.
func (s *Service) PlanFor(ctx context.Context, w workload.Workload, t Type, extra []string, past Past) (Plan, error) {
	p := Plan{Type: t, Signoffs: t.Signoffs[w.Tier-1]}
	seen := map[string]bool{}
	for _, pin := range pins(t, extra) {
		o, err := s.newest(ctx, s.db, pin.Key)
		if err != nil {
			return p, err
		}
		asked := asks(o.set, o.off, t.CorePath(w.Tier) && !pin.Extra, w.Tier)
		p.Questions += len(asked)
		p.Minutes += o.set.MinutesFor(len(asked))
		for _, question := range asked {
			p.bring(sectionOf(o.set, question.Section).Name, question.Bring, seen)
			if _, ok := past[pin.Key+"/"+question.ID]; ok {
				p.Carried++
			}
		}
	}
	return p, nil
}

func (p *Plan) bring(section string, items []string, seen map[string]bool) {
	for _, item := range items {
		if seen[item] {
			continue
		}
		seen[item] = true
		if n := len(p.Bring); n == 0 || p.Bring[n-1].Section != section {
			p.Bring = append(p.Bring, Bring{Section: section})
		}
		last := &p.Bring[len(p.Bring)-1]
		last.Items = append(last.Items, item)
	}
}

// pins lists the sets that are asked: those of the type, then the extra ones that it does
// not ask already, each once.
func pins(t Type, extra []string) []Pin {
	var list []Pin
	add := func(key string, beside bool) {
		if !slices.ContainsFunc(list, func(p Pin) bool { return p.Key == key }) {
			list = append(list, Pin{Key: key, Extra: beside})
		}
	}
	for _, key := range t.Questionnaires {
		add(key, false)
	}
	for _, key := range extra {
		add(key, true)
	}
	return list
}

// Offers lists the sets that a review of the workload may ask beside those of its type.
func (s *Service) Offers(ctx context.Context, w workload.Workload) ([]Offer, error) {
	sets, err := s.library.Sets(ctx, s.db)
	if err != nil {
		return nil, err
	}
	list := make([]Offer, 0, len(sets))
	for _, set := range sets {
		o, err := s.version(ctx, s.db, set.Published)
		if err != nil {
			return nil, err
		}
		n := len(asks(o.set, o.off, false, w.Tier))
		list = append(list, Offer{Key: set.Key, Name: o.set.Name, Description: o.set.Description, Questions: n, Minutes: o.set.MinutesFor(n)})
	}
	return list, nil
}

// asks returns the questions that a review asks of a tier: the core path or all, without
// those that are switched off. A set that marks no question as core is asked whole.
func asks(q *questionnaire.Questionnaire, off map[string]questionnaire.SwitchedOff, corePath bool, tier int) []*questionnaire.Question {
	corePath = corePath && slices.ContainsFunc(q.Questions(), func(one *questionnaire.Question) bool { return one.CorePath })
	var asked []*questionnaire.Question
	for _, question := range q.Questions() {
		if _, is := off[question.ID]; !is && (question.CorePath || !corePath) && question.AppliesTo(tier) {
			asked = append(asked, question)
		}
	}
	return asked
}
