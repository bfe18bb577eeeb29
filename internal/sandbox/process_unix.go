//go:build unix

package sandbox

import (
	"os"
	"os/exec"
	"syscall"
)

// detach keeps an interrupt from the keyboard away from the process: the sandbox
// alone says when it ends.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

func freeze(p *os.Process, on bool) error {
	if on {
		return p.Signal(syscall.SIGSTOP)
	}
	return p.Signal(syscall.SIGCONT)
}
