package web

import (
	"io"
	"strconv"

	"orrery/internal/fault"
	"orrery/internal/report"
)

// exportRoutes hand a round over as files: PDF and CSV.
func exportRoutes() []Route {
	return []Route{
		{"GET", "/reviews/{id}/report.pdf", signedIn(reviewPDF)},
		{"GET", "/reviews/{id}/answers.csv", signedIn(roundCSV("answers", report.AnswersCSV))},
		{"GET", "/reviews/{id}/risks.csv", signedIn(roundCSV("risks", report.RisksCSV))},
		{"GET", "/reviews/{id}/items.csv", signedIn(roundCSV("items", report.ItemsCSV))},
	}
}

// printed reads the round that the address names, as a report takes it.
func (v *visit) printed() (report.Input, error) {
	paper, _, err := v.paper()
	if err != nil {
		return report.Input{}, err
	}
	_, sample := v.organisation(v.ctx())
	return report.InputOf(paper, v.PublicURL, v.Now(), sample), nil
}

// reviewPDF prints a round: all of it, the readout, or the risks, as ?options= says, with what
// people said about it when ?comments=1.
func reviewPDF(v *visit) error {
	extent, ok := report.ParseExtent(v.r.URL.Query().Get("options"))
	if !ok {
		return fault.New(fault.NotFound, "There is no such report. It may be full, readout or risks.")
	}
	in, err := v.printed()
	if err != nil {
		return err
	}
	in.Extent, in.Comments = extent, v.r.URL.Query().Get("comments") == "1"
	v.free()
	return v.file(report.FileName(in, string(extent))+".pdf", "application/pdf", func(w io.Writer) error {
		return report.Print(v.ctx(), w, in)
	})
}

// roundCSV writes a table of a round. With ?bom=1 the file begins with the mark that some
// spreadsheets need to read UTF-8.
func roundCSV(name string, table func(io.Writer, report.Input) error) handler {
	return func(v *visit) error {
		in, err := v.printed()
		if err != nil {
			return err
		}
		return v.file(report.FileName(in, name)+".csv", "text/csv; charset=utf-8; header=present", func(w io.Writer) error {
			if v.r.URL.Query().Get("bom") == "1" {
				if _, err := io.WriteString(w, "\ufeff"); err != nil {
					return err
				}
			}
			return table(w, in)
		})
	}
}

// file sends a file to keep. It is made before the first byte is sent, so a failure is a page.
func (v *visit) file(name, kind string, write func(io.Writer) error) error {
	b := borrow()
	defer giveBack(b)
	if err := write(b); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", attachment(name))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	_, err := b.WriteTo(v.w)
	return ignoreGone(v, err)
}
