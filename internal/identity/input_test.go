package identity

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"orrery/internal/fault"
)

func TestEmail(t *testing.T) {
	for in, want := range map[string]string{
		" Ada.Lovelace+orr@Example.ORG\t":      "ada.lovelace+orr@example.org",
		"o'neil@example.org":                   "o'neil@example.org",
		"root@localhost":                       "root@localhost",
		"a@xn--bcher-kva.example":              "a@xn--bcher-kva.example",
		"a@1.example":                          "a@1.example",
		strings.Repeat("a", 64) + "@b.example": strings.Repeat("a", 64) + "@b.example",
	} {
		if got, message := canonicalEmail(in); got != want || message != "" {
			t.Errorf("%q is %q, %q", in, got, message)
		}
	}
	for _, in := range []string{
		"", " ", "ada", "@", "@example.org", "ada@", "a@b@c", "a..b@example.org", ".a@example.org", "a.@example.org",
		"ada@example..org", "ada@.org", "ada@example.org.", "ada@-x.org", "ada@x-.org", "ada@[192.0.2.1]", "ada@exam_ple.org",
		"Ada <ada@example.org>", "<ada@example.org>", `"a b"@example.org`, `"ada"@example.org`, "ada@example.org, bob@example.org",
		"ada@example.org\r\nBcc: eve@example.org", "ada@example.org\x00", "a\x00da@example.org", "\xff@example.org",
		"\u0430da@example.org", "ada@ex\u00e4mple.org", "ada @example.org", "ada@example.org (Ada)", "mailto:ada@example.org",
		strings.Repeat("a", 65) + "@b.example", "a@" + strings.Repeat("b.", 130) + "example", "a@" + strings.Repeat("b", 64) + ".example",
	} {
		if got, message := canonicalEmail(in); message == "" || !strings.HasSuffix(message, ".") || got != "" {
			t.Errorf("%q is taken as %q with %q", in, got, message)
		}
	}
}

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		" Ada \u00a0":                     "Ada",
		"Jose\u0301":                      "Jos\u00e9",
		"محمد بن موسى":                    "محمد بن موسى",
		"नी\u200dरज":                      "नी\u200dरज",
		"Ada \U0001F980":                  "Ada \U0001F980",
		strings.Repeat("\u00e9", 120):     strings.Repeat("\u00e9", 120),
		strings.Repeat("e\u0301", 120):    strings.Repeat("\u00e9", 120),
		"<script>alert(1)</script>":       "<script>alert(1)</script>",
		"Robert'); drop table people; --": "Robert'); drop table people; --",
	} {
		var p problems
		if got := p.name(in); got != want || p.err() != nil {
			t.Errorf("%q is %q: %v", in, got, p)
		}
	}
	for _, in := range []string{"", " \t", "\u200b\u2060", "a\x00b", "a\nb", "a\x7fb", "\u0085", "a\xffb", "\u202egnp", "\u2066x", "a\u2028b", "\ufeffAda", strings.Repeat("x", 121)} {
		var p problems
		if got := p.name(in); len(p) != 1 || p[0].Name != "name" {
			t.Errorf("%q is taken as %q: %v", in, got, p)
		}
	}
}

func TestNewPassword(t *testing.T) {
	for _, in := range []string{
		"seven quiet herons", "            ", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", "日本語日本語日本語日本語",
		strings.Repeat("\u00e9", 256), strings.Repeat("e\u0301", 256), "ada lovelace walks", "ada@example.org rules", "ada1234567890x9z",
	} {
		var p problems
		if p.password(in, "ada@example.org", "Ada Lovelace"); p.err() != nil {
			t.Errorf("%q is refused: %v", in, p)
		}
	}
	for _, in := range []string{
		"", "elevenchars", "日本語", strings.Repeat("e\u0301", 11), strings.Repeat("x", 257), "password1234", "PassWord1234!", "Correct Horse Battery Staple",
		"ada@example.org", "ADA@EXAMPLE.ORG", "adalovelace2026", "Ada  Lovelace!", "1815.Ada.Lovelace", "a-d-a-1-2-3-4-5-6-7", "twelve bytes\xff",
	} {
		var p problems
		if p.password(in, "ada@example.org", "Ada Lovelace"); len(p) != 1 || p[0].Name != "password" || !strings.HasSuffix(p[0].Message, ".") {
			t.Errorf("%q is taken: %v", in, p)
		}
	}
	var p problems
	p.password("seven quiet herons", "@", "\u200b") // nothing of one's own to compare with
	if p.err() != nil {
		t.Error(p)
	}
}

// The list is of use only if its lines are long enough to be typed at all, in lower case.
func TestCommonPasswords(t *testing.T) {
	if n := len(commonPasswords()); n < 300 {
		t.Errorf("%d common passwords", n)
	}
	for s := range commonPasswords() {
		if utf8.RuneCountInString(s) < minPassword || s != strings.ToLower(s) {
			t.Errorf("%q cannot be hit", s)
		}
	}
}

func TestRolesKeysKinds(t *testing.T) {
	var p problems
	in := []OrgRole{Curator, Admin, Curator}
	if got := p.roles(in); !slices.Equal(got, []OrgRole{Admin, Curator}) || in[0] != Curator {
		t.Errorf("roles %v of %v", got, in)
	}
	p.teamRole(Lead)
	p.kind(Approver)
	if p.key(" a-1 ") != "a-1" || p.err() != nil {
		t.Error(p)
	}
	p.roles([]OrgRole{""})
	p.teamRole("admin")
	p.kind("")
	p.key("a\x00b")
	var fields []string
	for _, f := range fault.FieldsOf(p.err()) {
		fields = append(fields, f.Name)
	}
	if !slices.Equal(fields, []string{"role", "role", "kind", "key"}) {
		t.Error(p)
	}
}

func TestHashText(t *testing.T) {
	h := emptyHash()
	back, err := parseHash(h.String())
	if err != nil || back.String() != h.String() || back.outdated() {
		t.Errorf("%s came back as %s: %v", h, back, err)
	}
	good := "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if _, err := parseHash(good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"argon2id", "argon2i"}, {"v=19", "v=16"}, {"m=19456", "m=4194304"}, {"m=19456", "m=0"}, {"t=2", "t=0"}, {"t=2", "t=99"},
		{"p=1", "p=0"}, {"p=1", "p=99"}, {"p=1", "p=1,x=2"}, {"m=", " m="}, {"m=19456", "m=019456"}, {"t=2", "t=-2"}, {"p=1", "p=257"},
		{"$AAAAAAAAAAAAAAAAAAAAAA$", "$$"}, {"$AAAAAAAAAAAAAAAAAAAAAA$", "$AA==$"}, {good, ""}, {good, "$$$$$"}, {"$argon", "argon"},
	} {
		if bad := strings.Replace(good, change[0], change[1], 1); bad != good {
			if _, err := parseHash(bad); err == nil {
				t.Errorf("%s is taken", bad)
			}
		} else {
			t.Errorf("%q changes nothing", change)
		}
	}
}

func TestTokenForm(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := newToken(tokenPrefix)
		if !wellFormedToken(s) || seen[s] {
			t.Fatalf("%s is malformed or not new", s)
		}
		seen[s] = true
		for i := range s { // the checksum finds every single slip
			other := "x"
			if s[i] == 'x' {
				other = "y"
			}
			if wellFormedToken(s[:i] + other + s[i+1:]) {
				t.Fatalf("%s with a slip at %d is well formed", s, i)
			}
		}
	}
	count := map[byte]int{}
	for _, c := range []byte(randomBase62(62_000)) {
		count[c]++
	}
	for _, c := range []byte(base62) {
		if count[c] < 800 || count[c] > 1200 {
			t.Errorf("%c comes %d times in 62,000, want about 1,000", c, count[c])
		}
	}
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"ada@example.org", "Ada <a@b.c>", `"x"@y`, "a@[::1]", "a@b\x00", "İ@example.org"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, message := canonicalEmail(s)
		if (got == "") == (message == "") {
			t.Fatalf("%q: %q and %q", s, got, message)
		}
		if got == "" {
			return
		}
		// What people.email and a mail header need.
		if len(got) < 3 || len(got) > 254 || got != strings.ToLower(got) || strings.ContainsAny(got, " \r\n\x00<>,;") || strings.Count(got, "@") != 1 {
			t.Fatalf("%q is taken as %q", s, got)
		}
		if again, _ := canonicalEmail(got); again != got {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"Ada", "e\u0301", "\u202e", "\xff", "\u0344"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p problems
		got := p.name(s)
		if p.err() != nil {
			return
		}
		if n := utf8.RuneCountInString(got); n < 1 || n > 120 || !utf8.ValidString(got) || strings.ContainsRune(got, 0) || !norm.NFC.IsNormalString(got) {
			t.Fatalf("%q is taken as %q", s, got)
		}
		if again := p.name(got); again != got || p.err() != nil {
			t.Fatalf("%q becomes %q: %v", got, again, p)
		}
	})
}

func FuzzHashText(f *testing.F) {
	f.Add(emptyHash().String())
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := parseHash(s); err == nil && h.String() != s {
			t.Fatalf("%q is read as %q", s, h)
		}
	})
}

func FuzzCursorAndClient(f *testing.F) {
	f.Add("AAAA")
	f.Add(peopleCursor(Person{Name: "Ada"}))
	f.Fuzz(func(t *testing.T, s string) {
		name, _ := readPeopleCursor(s)
		for _, got := range []string{name, shown(s, 300), searchable(s), network(s)} {
			if !utf8.ValidString(got) || strings.ContainsRune(got, 0) || utf8.RuneCountInString(got) > 300 {
				t.Fatalf("%q gives %q", s, got)
			}
		}
	})
}
