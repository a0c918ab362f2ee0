package ui

import (
	"context"
	"io"
	"strconv"

	"github.com/a-h/templ"
)

type orbits []Orbit

// Orbits is the review's orrery: one orbit per section from outside in, an arc
// for what is answered, a planet where it stands and a triangle instead where
// the section holds a high. Its title says the same in words; the table beside
// it has the figures.
func Orbits(sections []Orbit) templ.Component { return orbits(sections) }

// Render writes the picture.
func (o orbits) Render(_ context.Context, w io.Writer) error {
	answered, total, withHigh := 0, 0, 0
	for _, s := range o {
		answered += s.Answered
		total += s.Total
		if s.High > 0 {
			withHigh++
		}
	}
	out := make([]byte, 0, 512+len(o)*256)
	out = append(out, `<svg class="orbits" viewBox="0 0 240 240" role="img"><title>`...)
	out = append(out, o.title(answered, total, withHigh)...)
	out = append(out, "</title>"...)
	const outer, inner = 112.0, 44.0
	step := 9.5
	if n := len(o); n > 8 {
		step = (outer - inner) / float64(n-1)
	}
	for i, s := range o {
		out = appendOrbit(out, s, outer-step*float64(i))
	}
	out = append(out, `<text x="120" y="126">`...)
	out = strconv.AppendInt(out, int64(answered), 10)
	out = append(out, `</text><text x="120" y="143">of `...)
	out = strconv.AppendInt(out, int64(total), 10)
	out = append(out, `</text></svg>`...)
	_, err := w.Write(out)
	return err
}

func (o orbits) title(answered, total, withHigh int) string {
	text := itoa(answered) + " of " + itoa(total) + " questions answered in " + itoa(len(o)) + " sections; "
	switch withHigh {
	case 0:
		return text + "none holds a high."
	case 1:
		return text + "1 holds a high."
	}
	return text + itoa(withHigh) + " hold a high."
}

func appendOrbit(out []byte, s Orbit, radius float64) []byte {
	circle := func(class string, cx, cy, r float64) {
		out = append(out, `<circle class="`...)
		out = append(out, class...)
		out = append(out, `" cx="`...)
		out = appendTenth(out, cx)
		out = append(out, `" cy="`...)
		out = appendTenth(out, cy)
		out = append(out, `" r="`...)
		out = appendTenth(out, r)
		out = append(out, `"></circle>`...)
	}
	circle("o", 120, 120, radius)
	share := 0.0
	if s.Total > 0 {
		share = float64(min(s.Answered, s.Total)) / float64(s.Total)
	}
	x, y := point(radius, share)
	switch {
	case share >= 1:
		circle("a", 120, 120, radius)
	case share > 0:
		out = append(out, `<path class="a" d="M120 `...)
		out = appendTenth(out, 120-radius)
		out = append(out, 'A')
		out = appendTenth(out, radius)
		out = append(out, ' ')
		out = appendTenth(out, radius)
		if share > .5 {
			out = append(out, " 0 1 1 "...)
		} else {
			out = append(out, " 0 0 1 "...)
		}
		out = appendTenth(out, x)
		out = append(out, ' ')
		out = appendTenth(out, y)
		out = append(out, `"></path>`...)
	}
	switch {
	case s.High > 0:
		out = append(out, `<path class="w" d="M`...)
		out = appendTenth(out, x)
		out = append(out, ' ')
		out = appendTenth(out, y-6.5)
		out = append(out, `l6.5 11h-13z"></path>`...)
	case share >= 1:
		circle("f", x, y, 3.2) // finished work fades
	case share > 0:
		circle("d", x, y, 4.5)
	}
	return out
}

func appendTenth(out []byte, v float64) []byte { return strconv.AppendFloat(out, v, 'f', 1, 64) }
