package sandbox_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/sandbox"
)

// Nodes and partitions that make no sense are refused, all of them at once, before
// anything is started.
func TestNodesAndPartitionsAreChecked(t *testing.T) {
	_, err := sandbox.Run(t.Context(), sandbox.Options{
		Command: []string{"ingestor"}, Out: &bytes.Buffer{}, Dir: t.TempDir(), Instances: 1,
		NATSNodes: 2, KillNodeEvery: time.Second, CutNATSEvery: time.Second, LeaseTTL: time.Millisecond,
		CutGenesysFor: time.Minute, NodeDownFor: -time.Second, NATSPort: 4222,
	})
	if !errors.Is(err, sandbox.ErrOption) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"2 NATS nodes: must be 1 or 3", "leave out the port", "only be lost from a cluster", "lease TTL 1ms",
		"cut from Genesys for 1m0s", "only one of two instances", "node down for -1s",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// What a partition delays is excused for as long as the other instance needs to take
// over, and no longer.
func TestPartitionsAreExcused(t *testing.T) {
	for _, kind := range []sandbox.IncidentKind{sandbox.NATSCut, sandbox.NATSFrozen, sandbox.GenesysCut, sandbox.GenesysFrozen} {
		s := newScene(t)
		s.feed(24000, "b", "leader", nil)
		s.e.Incidents = []sandbox.Incident{{Kind: kind, Instance: "a", At: at(22500), Until: at(28000)}}
		v := sandbox.Judge(&s.e)
		if !v.Clean || len(v.Terms) != 1 || v.Terms[0].Cause != kind || time.Duration(v.Terms[0].After) != 1500*time.Millisecond {
			t.Errorf("%s: %+v %+v", kind, v.Terms, v.Violations)
		}
		if want := "fail-over    1 after a " + string(kind); !strings.Contains(v.Table(), want) {
			t.Errorf("%q is not in the table:\n%s", want, v.Table())
		}
	}
}
