package main

import (
	"orrery/internal/discussion"
	"orrery/internal/review"
)

// talkAbout lets people speak about the second question of a review and bring what they have:
// an approver's challenge that is answered, and a file and a link beside it.
func (d *demo) talkAbout(r review.Review) error {
	sheet, err := d.services.reviews.Sheet(d.ctx, d.who["asha"], r.ID)
	if err != nil {
		return err
	}
	e := sheet.Entries()[1]
	talk, on := d.services.talk, discussion.QuestionID(r.ID, e.Questionnaire, e.Question.ID)
	id, err := talk.Start(d.ctx, d.who["noor"], discussion.OnQuestion, on, discussion.Input{
		Body: "The last drill looked at one part only. Does that show what you ticked? @asha", Challenge: true,
	})
	if err != nil {
		return err
	}
	t, err := talk.Target(d.ctx, d.who["asha"], discussion.OnQuestion, on)
	if err != nil {
		return err
	}
	said, err := talk.Talk(d.ctx, d.who["asha"], t)
	if err != nil {
		return err
	}
	for _, h := range said.Threads {
		if len(h.Comments) > 0 && h.Comments[0].ID == id {
			_, err = talk.Reply(d.ctx, d.who["mika"], h.ID, discussion.Input{Body: "The full drill ran on Tuesday; its log is beside the question. @noor", Answers: true})
		}
	}
	if err != nil {
		return err
	}
	log := []byte("10:00 drill begins\n10:41 everything is back\n10:55 checked against the ledger\n")
	if _, err = talk.AddFile(d.ctx, d.who["mika"], discussion.OnQuestion, on, "drill.log", log, discussion.Brought{Description: "The full drill, with times.", Dated: d.day(-4)}); err != nil {
		return err
	}
	_, err = talk.AddLink(d.ctx, d.who["asha"], discussion.OnQuestion, on, discussion.Brought{
		URL: "https://wiki.example.com/payments/runbook", Text: "The runbook", Dated: d.day(-400), Description: "Written before the second Region.",
	})
	return err
}
