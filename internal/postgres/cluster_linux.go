package postgres

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

const serverLocale = "C.UTF-8"

var localeArgs = []string{"--locale=" + serverLocale}

// endWithUs has the kernel send the signal to the child when the thread that forked it ends.
func endWithUs(attr *syscall.SysProcAttr, s syscall.Signal) { attr.Pdeathsig = s }

// isServer reports whether the process is a live PostgreSQL server on the data folder.
func isServer(pid int, data string) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || string(bytes.TrimSpace(name)) != "postgres" {
		return false
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || bytes.Contains(stat, []byte(") Z ")) {
		return false
	}
	if at, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil { // it works in its data folder
		is, err := os.Stat(data)
		return err == nil && os.SameFile(at, is)
	}
	args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // as root in a container without CAP_SYS_PTRACE
	return bytes.Contains(args, []byte("\x00"+data+"\x00"))
}
