package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orrery/internal/fault"
)

func TestParseMajor(t *testing.T) {
	for out, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": 15,
		"postgres (PostgreSQL) 18beta1\n":                        18,
		"postgres (PostgreSQL) 9.6.24\n":                         9,
		"postgres (PostgreSQL) 17":                               17,
		"bash: postgres: command not found":                      0,
		"":                                                       0,
	} {
		if got := parseMajor(out); got != want {
			t.Errorf("parseMajor(%q) = %d, want %d", out, got, want)
		}
	}
}

func TestWhatToInstallPerSystem(t *testing.T) {
	for _, c := range []struct {
		name, goos, release string
		major               int
		want                string
	}{
		{"Debian", "linux", "ID=debian\n", 0, "`apt install postgresql`"},
		{"Mint", "linux", "NAME=x\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", 16, "`apt install postgresql-16`"},
		{"Rocky", "linux", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", 0, "`dnf install postgresql-server`"},
		{"Fedora", "linux", "ID=fedora\n", 16, "`dnf install postgresql16-server`"},
		{"Alpine", "linux", "ID=alpine\n", 16, "`apk add postgresql16`"},
		{"macOS", "darwin", "", 0, "`brew install postgresql@17`"},
		{"macOS with data", "darwin", "", 15, "`brew install postgresql@15`"},
		{"unknown", "linux", "ID=plan10\n", 0, "Alpine: `apk add postgresql`"},
	} {
		if got := howToInstall(systemName(c.goos, []byte(c.release)), c.major); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q does not hold %q", c.name, got, c.want)
		}
	}
}

// fakeBinaries makes a folder whose postgres tells that version.
func fakeBinaries(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBinariesFor(t *testing.T) {
	old, fits := fakeBinaries(t, "13.2"), fakeBinaries(t, "16.1")

	t.Setenv(binariesEnv, fits)
	for _, major := range []int{0, 16} {
		if dir, err := binariesFor(t.Context(), major, "/data"); err != nil || dir != fits {
			t.Errorf("major %d: %q, %v; want %q", major, dir, err, fits)
		}
	}
	_, err := binariesFor(t.Context(), 14, "/data")
	wantSentence(t, err, "The database in /data was made by PostgreSQL 14", "only 16 is installed", fits)

	t.Setenv(binariesEnv, old)
	_, err = binariesFor(t.Context(), 0, "")
	wantSentence(t, err, "PostgreSQL 15 or newer", "only 13 is installed", "DATABASE_URL")
}

func wantSentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v is not Unavailable", err)
	}
	for _, p := range parts {
		if !strings.Contains(fault.MessageOf(err), p) {
			t.Errorf("%q does not say %q", fault.MessageOf(err), p)
		}
	}
}
