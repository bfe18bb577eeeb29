//go:build !unix

package conformance

import (
	"errors"
	"os"
	"os/exec"
)

// group does nothing where there are no process groups.
func group(*exec.Cmd) {}

// killGroup kills the command. One that has ended is no error.
func killGroup(cmd *exec.Cmd) error {
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
