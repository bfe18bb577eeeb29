package check

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// instance is what an instance reports about itself, as far as it matters here.
type instance struct {
	Instance string    `json:"instance"`
	Role     string    `json:"role"`
	Version  string    `json:"version"`
	Account  string    `json:"account"`
	Ready    bool      `json:"ready"`
	Started  time.Time `json:"started"`
	Process  string    `json:"process"`
}

func (i instance) sameProcess(other instance) bool {
	return i.Started.Equal(other.Started) && i.Process == other.Process
}

// otherInstance listens for the reports of running instances. Old ones say who was
// there: only news counts.
func (c *checker) otherInstance(ctx context.Context) Result {
	if !c.there["KV_"+c.State.Name] {
		return skipped("needs the state bucket")
	}
	seen := map[string]instance{}
	var twins []string
	err := c.permitted(ctx, func(ctx context.Context) error {
		kv, err := c.js.KeyValue(ctx, c.State.Name)
		if err != nil {
			return err
		}
		w, err := kv.Watch(ctx, "instance.*", jetstream.UpdatesOnly())
		if err != nil {
			return fmt.Errorf("watch reports: %w", err)
		}
		defer func() { _ = w.Stop() }() // the server forgets it by itself
		timer := time.NewTimer(c.Listen)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			case e := <-w.Updates():
				var r instance
				if e == nil || e.Operation() != jetstream.KeyValuePut || json.Unmarshal(e.Value(), &r) != nil || r.Instance == "" {
					continue
				}
				if before, known := seen[r.Instance]; known && !before.sameProcess(r) {
					twins = append(twins, r.Instance)
				}
				seen[r.Instance] = r
			}
		}
	})
	if err != nil {
		return failed("reports cannot be followed: "+reason(err), "grant the user what following bucket "+c.State.Name+" needs")
	}
	return c.judge(seen, twins)
}

// judge says what is odd about the instances that run.
func (c *checker) judge(seen map[string]instance, twins []string) Result {
	var found, odd, wrong []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		r := seen[name]
		state := "ready"
		if !r.Ready {
			state = "not ready"
			odd = append(odd, name+" is not ready: its /readyz says why")
		}
		found = append(found, fmt.Sprintf("%s is %s, %s, version %s", name, r.Role, state, r.Version))
		if r.Account != c.Account {
			wrong = append(wrong, name+" uses another OAuth client or region")
		}
		if r.Version != c.Version {
			odd = append(odd, name+" runs another version than this one, "+c.Version)
		}
	}
	for _, name := range slices.Compact(twins) {
		wrong = append(wrong, "two running processes have INSTANCE_ID="+name)
	}
	text := strings.Join(found, "; ")
	switch _, self := seen[c.Instance]; {
	case len(wrong) > 0:
		return failed(strings.Join(wrong, "; ")+" ("+text+")",
			"give all instances of an adapter the same GENESYS_CLIENT_ID and GENESYS_REGION_HOST and different INSTANCE_IDs, or another ADAPTER_NAME")
	case len(found) == 0:
		return skipped("no instance of this adapter is running")
	case len(odd) > 0:
		return warned(text, strings.Join(odd, "; "))
	case self && len(found) == 1:
		return passed("%s; no other one is running", text)
	}
	return passed("%s", text)
}
