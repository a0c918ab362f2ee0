package main

import (
	"path/filepath"

	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/questionnaires"
)

type importCmd struct {
	output
	File   string `arg:"" help:"A file in our own YAML, or an AWS custom lens in JSON."`
	Commit bool   `help:"Publish it. Without this nothing is written."`
	Key    string `help:"Key of the set, for an AWS custom lens. Default: from the name of the file."`
	Number string `name:"as-version" help:"Version number, for an AWS custom lens. Default: the next one for what changed."`
}

// importResult is what import says, for another program.
type importResult struct {
	File      string        `json:"file"`
	Fits      bool          `json:"fits"`
	Published bool          `json:"published"`
	Key       string        `json:"key,omitempty"`
	Version   string        `json:"version,omitempty"`
	Current   string        `json:"current,omitempty"` // the version it is compared with
	Refusals  []string      `json:"refusals"`
	Problems  []problemJSON `json:"problems"`
	Diff      *diffJSON     `json:"difference,omitempty"`
}

// Run looks at the file and, when asked, publishes it. It ends with exitRefused when the
// file is refused.
func (c importCmd) Run(s *session) error {
	data, err := readFile(c.File)
	if err != nil {
		return exitError{exitRefused, err}
	}
	up := questionnaire.Upload{Name: filepath.Base(c.File), Data: data, Key: c.Key, Version: c.Number}
	who := identity.CommandLine
	who.Roles = []identity.OrgRole{identity.Curator} // whoever can run this on the server's data may
	quiet := *s
	quiet.out = s.errOut // what the database says as it starts is no part of the answer
	return quiet.with(func(db *database, all *services) error {
		if _, err := all.library.LoadShipped(s.ctx, questionnaires.FS); err != nil {
			return err
		}
		p, err := all.library.Propose(s.ctx, who, up)
		if err != nil {
			return err
		}
		published := p.Fits() && c.Commit
		if published {
			if _, err := all.library.Import(s.ctx, who, up); err != nil {
				return err
			}
		}
		return c.answer(s, p, published)
	})
}

// answer prints what came of it.
func (c importCmd) answer(s *session, p questionnaire.Proposal, published bool) error {
	if c.json() {
		r := importResult{File: c.File, Fits: p.Fits(), Published: published, Refusals: append([]string{}, p.Refusals...), Problems: problemsJSON(p.Problems)}
		if p.Set != nil {
			r.Key, r.Version, r.Current = p.Set.Key, p.Set.Version, p.Current.Version
		}
		if p.Set != nil && !p.First {
			d := newDiffJSON(p.Difference)
			r.Diff = &d
		}
		if err := s.printJSON(s.out, r); err != nil {
			return err
		}
	} else {
		c.sayProposal(s, p, published)
	}
	if !p.Fits() {
		return exit(exitRefused)
	}
	return nil
}

func (c importCmd) sayProposal(s *session, p questionnaire.Proposal, published bool) {
	s.printProblems(s.out, c.File, p.Problems)
	if p.Set == nil {
		s.say("%s: refused. Nothing was written.", c.File)
		return
	}
	if p.First {
		s.say("The set %s is new.", p.Set.Key)
	} else {
		s.say("Compared with version %s of %s:", p.Current.Version, p.Set.Key)
		s.sayDifference(p.Difference)
	}
	for _, words := range p.Refusals {
		s.say("%s", words)
	}
	switch {
	case published:
		s.say("Version %s of %s is published.", p.Set.Version, p.Set.Key)
	case p.Fits():
		s.say("It would be published as version %s of %s. Nothing was written; --commit publishes it.", p.Set.Version, p.Set.Key)
	default:
		s.say("%s: refused. Nothing was written.", c.File)
	}
}
