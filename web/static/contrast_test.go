package static

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

var pairPattern = regexp.MustCompile(`(--[a-z0-9-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`)

// colours reads the pairs of tokens.css: name to light and dark value.
func colours(t *testing.T) map[string][2]string {
	t.Helper()
	data, err := embedded.ReadFile("files/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][2]string{}
	for _, m := range pairPattern.FindAllStringSubmatch(string(data), -1) {
		out[m[1]] = [2]string{m[2], m[3]}
	}
	return out
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// TestContrast holds WCAG 2.2 AA for every pair that stands on a page: 4.5:1 for
// text (1.4.3), 3:1 for edges of controls, focus and marks (1.4.11).
func TestContrast(t *testing.T) {
	grounds := []string{"--page", "--surface", "--sunken", "--hover"}
	on := func(more ...string) []string { return append(append([]string{}, grounds...), more...) }
	pairs := colours(t)
	for _, rule := range []struct {
		fore  string
		least float64
		backs []string
	}{
		{"--ink", 4.5, on("--high-soft", "--medium-soft", "--good-soft", "--accent-soft")},
		{"--ink-2", 4.5, on("--accent-soft", "--high-soft")},
		{"--ink-3", 4.5, on("--accent-soft")},
		{"--quiet", 4.5, on("--accent-soft")},
		{"--accent", 4.5, on("--accent-soft", "--high-soft", "--medium-soft", "--good-soft")},
		{"--accent-strong", 4.5, on("--accent-soft", "--high-soft", "--medium-soft")},
		{"--on-accent", 4.5, []string{"--accent", "--accent-strong"}},
		{"--high", 4.5, on("--high-soft", "--accent-soft")},
		{"--medium", 4.5, on("--medium-soft", "--accent-soft")},
		{"--good", 4.5, on("--good-soft", "--accent-soft")},
		{"--line-strong", 3, []string{"--page", "--surface", "--sunken"}},
		{"--focus", 3, grounds},
		{"--chart-high", 3, []string{"--surface"}},
		{"--chart-medium", 3, []string{"--surface"}},
		{"--chart-line", 3, []string{"--surface"}},
	} {
		fore, ok := pairs[rule.fore]
		if !ok {
			t.Errorf("tokens.css has no pair %s", rule.fore)
			continue
		}
		for _, name := range rule.backs {
			back, ok := pairs[name]
			if !ok {
				t.Errorf("tokens.css has no pair %s", name)
				continue
			}
			for i, theme := range []string{"light", "dark"} {
				if got := contrast(t, fore[i], back[i]); got < rule.least {
					t.Errorf("%s: %s on %s is %.2f:1, want %.1f:1", theme, rule.fore, name, got, rule.least)
				}
			}
		}
	}
}
