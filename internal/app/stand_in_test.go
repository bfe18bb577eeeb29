package app_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// The platform shows the leader nothing of one user, and says so nowhere, while the calls
// of the others reach it. The standby is shown everything: no step is lost, nobody has to
// wait for the lead to change or for REST.
func TestStepsThatTheLeaderIsNotShown(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{Users: 20, Speed: 10})
	one, _ := s.logged("one")
	one.ready(t).leads(t).calm(t)
	first := one.Report()
	channels := s.org.Channels()
	if len(channels) != 1 {
		t.Fatalf("%d channels", len(channels))
	}
	two, _ := s.logged("two")
	two.ready(t)
	agent := s.org.Users()[0]
	if _, err := s.org.Inject(simulator.Fault{Kind: simulator.FaultDrop, Channel: channels[0].ID, Topic: agent.ID, Fraction: 1, For: time.Minute}); err != nil {
		t.Fatal(err)
	}
	// Somebody else is always called, so that the leader is seen to work.
	busy := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-busy:
				return
			case <-time.After(50 * time.Millisecond):
				other := s.org.Call(simulator.Inbound{})
				other.Alert(s.org.Users()[1]).Answer()
				other.CustomerHangsUp()
			}
		}
	}()
	defer func() { close(busy); <-done }()

	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(agent)
	want := []string{"prepare/delivered/armed"}
	s.expect(leg.ID(), want...)
	for _, step := range []struct {
		do   func()
		told string
	}{
		{leg.Answer, "start/established/recording"},
		{leg.Hold, "update/held/recording"},
		{leg.Retrieve, "update/retrieved/recording"},
		{func() { leg.SecurePause(true) }, "pause/secure_paused/paused"},
		{func() {
			<-time.After(1500 * time.Millisecond) // a shorter pause is doubted, and ends by the word of REST
			leg.SecurePause(false)
		}, "resume/secure_resumed/recording"},
		{c.CustomerHangsUp, "stop/cleared/stopped"},
	} {
		step.do()
		want = append(want, step.told)
		s.expect(leg.ID(), want...)
	}
	inItsPlace := 0
	for _, e := range s.events() {
		if e, ok := e.(*recording.CallEvent); ok && e.Data.Leg.ID == leg.ID() && e.Data.Origin.Instance == "two" && e.Data.Epoch == first.Epoch {
			inItsPlace++
		}
	}
	if inItsPlace == 0 {
		t.Error("the standby waited for the lead")
	}
}
