package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// PatienceByHand is how long a person may take to start a recorder.
const PatienceByHand = 15 * time.Minute

// ReadFile returns the reports that a recorder appends to a file, which need not exist
// yet; "-" is stdin.
func ReadFile(name string, stdin io.Reader) func(ctx context.Context, line func([]byte)) error {
	return func(ctx context.Context, line func([]byte)) error {
		if name == "-" {
			done := make(chan error, 1)
			go func() { done <- readLines(stdin, line, io.Discard) }() // ends with stdin, or with the program
			select {
			case err := <-done:
				return err
			case <-ctx.Done():
				return nil
			}
		}
		err := readLines(&follower{ctx: ctx, name: name}, line, io.Discard)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to leave off
		}
		return err
	}
}

// follower reads a file as it grows, until ctx ends.
type follower struct {
	ctx  context.Context // It lives as long as the reading.
	name string
	at   int64
}

func (f *follower) Read(b []byte) (int, error) {
	for {
		n, err := f.more(b)
		if n > 0 || err != nil {
			return n, err
		}
		wait := time.NewTimer(10 * time.Millisecond)
		select {
		case <-wait.C:
		case <-f.ctx.Done():
			wait.Stop()
			return 0, io.EOF
		}
	}
}

func (f *follower) more(b []byte) (int, error) {
	file, err := os.Open(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open the reports: %w", err)
	}
	n, err := file.ReadAt(b, f.at)
	f.at += int64(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, errors.Join(err, file.Close())
}
