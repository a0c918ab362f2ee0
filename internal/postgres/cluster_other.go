//go:build unix && !linux

package postgres

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// macOS has no C.UTF-8. Sorting by bytes is the same there; letters are told by English rules.
const serverLocale = "en_US.UTF-8"

var localeArgs = []string{"--locale=C", "--lc-ctype=" + serverLocale}

// endWithUs does nothing: only Linux tells a child that its parent died. The next start
// ends a server that was left over.
func endWithUs(*syscall.SysProcAttr, syscall.Signal) {}

// isServer reports whether the process is a PostgreSQL server started on the data folder.
func isServer(pid int, data string) bool {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false
	}
	program, rest, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return filepath.Base(program) == "postgres" && strings.Contains(rest, data)
}
