//go:build !unix

package sandbox

import (
	"errors"
	"os"
	"os/exec"
)

func detach(*exec.Cmd) {}

// terminate has no gentle form here.
func terminate(p *os.Process) error { return p.Kill() }

func freeze(*os.Process, bool) error {
	return errors.New("this operating system cannot freeze a process")
}
