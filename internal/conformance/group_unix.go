//go:build unix

package conformance

import (
	"errors"
	"os/exec"
	"syscall"
)

// group puts a command into a process group of its own, so that it can be killed with
// all that it starts: a shell or a package manager is often in between.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the command and all that it started. One that has ended is no error.
func killGroup(cmd *exec.Cmd) error {
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
