package benchmark

import (
	"fmt"
	"io"
)

// profile lets an ingestor process of the sandbox record where its time goes, until
// the returned function is called: each line on its leash begins or ends that. The
// process writes cpu.pprof into the directory that BENCH_PROFILE names. Nothing is
// recorded when the user wants none, or it is not the time for it.
func (o *Options) profile(p *process, now bool) (stop func() error) {
	if o.Profile == "" || !now {
		return func() error { return nil }
	}
	toggle := func() error {
		if _, err := io.WriteString(p.leash, "profile\n"); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		return nil
	}
	if err := toggle(); err != nil {
		return func() error { return err }
	}
	return toggle
}
