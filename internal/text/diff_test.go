package text

import (
	"strings"
	"testing"
)

// marked writes a difference with [-removed-] and {+added+}.
func marked(list []Piece) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString([]string{p.Text, "[-" + p.Text + "-]", "{+" + p.Text + "+}"}[p.Change])
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{"same words", "same words", "same words"},
		{"same  words\n", "same words", "same words"},
		{"", "new words", "{+new words+}"},
		{"gone", "", "[-gone-]"},
		{"The drill took 38 minutes.", "The drill took 12 minutes.", "The drill took [-38 -]{+12 +}minutes."},
		{"a b c d", "a c d e", "a [-b -]c d {+e+}"},
		{"one two", "three four", "[-one two-]{+three four+}"},
		{"It took 38 minutes.", "It took 38 minutes, twice", "It took 38 minutes[-.-]{+, twice+}"},
		{"ORR 1.0.0.", "ORR 1.1.0.", "ORR [-1.0.0-]{+1.1.0+}."},
		{"ARN a:b:c", "ARN a:x:c", "ARN a:[-b-]{+x+}:c"},
		{"語 と 語", "語 か 語", "語 [-と -]{+か +}語"},
	} {
		if got := marked(Diff(c.old, c.new)); got != c.want {
			t.Errorf("Diff(%q, %q) is %q, want %q", c.old, c.new, got, c.want)
		}
	}
}

// Long texts are compared more coarsely, and still give both texts back.
func TestDiffOfLongTexts(t *testing.T) {
	long := func(word string, n int) string { return strings.Repeat(word+" ", n) + "\n" }
	for name, c := range map[string][2]string{
		"lines":  {long("a", 3000) + "same line\n" + long("b", 3000), long("c", 3000) + "same line\n" + long("d", 3000)},
		"whole":  {strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000)},
		"common": {long("a", 9000) + "x", long("a", 9000) + "y"},
	} {
		var before, after strings.Builder
		kept := false
		for _, p := range Diff(c[0], c[1]) {
			kept = kept || p.Change == Same
			if p.Change != Added {
				before.WriteString(p.Text)
			}
			if p.Change != Removed {
				after.WriteString(p.Text)
			}
		}
		if !SameWords(before.String(), c[0]) || after.String() != c[1] {
			t.Errorf("%s: the pieces do not give the texts back", name)
		}
		if want := name != "whole"; kept != want {
			t.Errorf("%s: something is kept: %v, want %v", name, kept, want)
		}
	}
}

func FuzzDiff(f *testing.F) {
	f.Add("a b c", "b c d")
	f.Add(" \n\x00", "\u2028x")
	f.Fuzz(func(t *testing.T, old, new string) {
		var before, after strings.Builder
		for _, p := range Diff(old, new) {
			if p.Change != Added {
				before.WriteString(p.Text)
			}
			if p.Change != Removed {
				after.WriteString(p.Text)
			}
		}
		if after.String() != new {
			t.Errorf("what was kept and added is %q, want %q", after.String(), new)
		}
		if strings.Join(strings.Fields(before.String()), "") != strings.Join(strings.Fields(old), "") {
			t.Errorf("what was kept and removed is %q, want the words of %q", before.String(), old)
		}
	})
}

func TestCellIsNoFormula(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "a=b": "a=b", "1+1": "1+1", "it's": "it's",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx", "\n=1": "'\n=1",
		" =1": "' =1", "\u00a0=1": "'\u00a0=1", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", "−1": "'−1", "\ufeff=1": "'\ufeff=1",
		"- a list": "'- a list", "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
	} {
		if got := Cell(in); got != want {
			t.Errorf("Cell(%q) is %q, want %q", in, got, want)
		}
	}
}
