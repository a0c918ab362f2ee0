package postgres

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/internal/fault"
)

// oldestMajor is the oldest PostgreSQL that Orrery is tested with.
const oldestMajor = 15

// binariesEnv names a folder of PostgreSQL's programs, to be used instead of a search.
const binariesEnv = "ORRERY_POSTGRES_BIN"

// binaryDirs are where packages put the server's programs, beside the PATH.
var binaryDirs = []string{
	"/usr/lib/postgresql/*/bin",                              // Debian, Ubuntu
	"/usr/lib/postgresql*/bin",                               // openSUSE
	"/usr/pgsql-*/bin",                                       // PGDG on Fedora and RHEL
	"/usr/libexec/postgresql*",                               // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",                     // Homebrew
	"/usr/local/opt/postgresql@*/bin",                        // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin",     // Postgres.app
	"/opt/local/lib/postgresql*/bin", "/usr/local/pgsql/bin", // MacPorts, from source
}

type binaries struct {
	dir   string
	major int
}

// binariesFor returns the folder with PostgreSQL's programs of that major version, or of
// the newest installed when major is 0.
func binariesFor(ctx context.Context, major int, data string) (string, error) {
	dirs := candidateDirs()
	if dir := os.Getenv(binariesEnv); dir != "" {
		dirs = []string{dir}
	}
	var found []binaries
	for _, dir := range dirs {
		if m := majorOf(ctx, dir); m != 0 {
			found = append(found, binaries{dir, m})
		}
	}
	fits := func(b binaries) bool { return b.major == major || major == 0 && b.major >= oldestMajor }
	best := -1
	for i, b := range found {
		if fits(b) && (best < 0 || b.major > found[best].major) {
			best = i
		}
	}
	if best >= 0 {
		return found[best].dir, nil
	}
	return "", notInstalled(major, data, found)
}

// candidateDirs lists folders that may hold the programs: that of the PATH first.
func candidateDirs() []string {
	var dirs []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, pattern := range binaryDirs {
		match, _ := filepath.Glob(pattern) // fails on a bad pattern only
		dirs = append(dirs, match...)
	}
	return dirs
}

// majorOf returns the major version of the server's programs in dir, 0 when they are not
// all there.
func majorOf(ctx context.Context, dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "-V").Output()
	if err != nil {
		return 0
	}
	return parseMajor(string(out))
}

// parseMajor reads "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", also "18beta1".
func parseMajor(out string) int {
	_, version, _ := strings.Cut(out, "(PostgreSQL) ")
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	major, _ := strconv.Atoi(version[:end])
	return major
}

// notInstalled says which PostgreSQL is missing and what installs it.
func notInstalled(major int, data string, found []binaries) error {
	var have []string
	for _, b := range found {
		if v := strconv.Itoa(b.major); !slices.Contains(have, v) {
			have = append(have, v)
		}
	}
	others := "none is installed here"
	if len(have) > 0 {
		others = "only " + strings.Join(have, ", ") + " is installed here"
	}
	what := fmt.Sprintf("Orrery needs PostgreSQL %d or newer, and %s", oldestMajor, others)
	if major != 0 {
		what = fmt.Sprintf("The database in %s was made by PostgreSQL %d, and %s", data, major, others)
	}
	if dir := os.Getenv(binariesEnv); dir != "" {
		what += fmt.Sprintf(" (only %s was searched, which %s names)", dir, binariesEnv)
	}
	release, _ := os.ReadFile("/etc/os-release") // absent on macOS
	return fault.New(fault.Unavailable, "%s: %s; or set DATABASE_URL to a server elsewhere.", what, howToInstall(systemName(runtime.GOOS, release), major))
}

// systemName returns the family of the system: debian, fedora, alpine, darwin or "".
func systemName(goos string, osRelease []byte) string {
	if goos == "darwin" {
		return goos
	}
	var ids []string
	for s := bufio.NewScanner(bytes.NewReader(osRelease)); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), "=")
		if key == "ID" || key == "ID_LIKE" {
			ids = append(ids, strings.Fields(strings.Trim(value, `"'`))...)
		}
	}
	for _, id := range ids {
		switch id {
		case "debian", "ubuntu":
			return "debian"
		case "fedora", "rhel", "centos":
			return "fedora"
		case "alpine":
			return "alpine"
		}
	}
	return ""
}

// howToInstall names the package for the system; for an unknown one all that we know.
func howToInstall(system string, major int) string {
	version, brew := "", "@17"
	if major != 0 {
		version = strconv.Itoa(major)
		brew = "@" + version
	}
	debian := "apt install postgresql"
	if major != 0 {
		debian += "-" + version
	}
	commands := map[string]string{
		"debian": debian,
		"fedora": "dnf install postgresql" + version + "-server",
		"alpine": "apk add postgresql" + version,
		"darwin": "brew install postgresql" + brew,
	}
	if c, known := commands[system]; known {
		return "install it with `" + c + "`"
	}
	return fmt.Sprintf("install its server (Debian and Ubuntu: `%s`; Fedora and RHEL: `%s`; Alpine: `%s`; macOS: `%s`)",
		commands["debian"], commands["fedora"], commands["alpine"], commands["darwin"])
}
