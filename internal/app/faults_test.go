package app_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// The node of a cluster that leads the stream goes while people talk, and comes back:
// nothing is lost and nothing is told twice.
func TestNodeOfTheClusterIsLost(t *testing.T) {
	t.Parallel()
	cluster := natstest.NewCluster(t, 3)
	s := newSiteOn(t, cluster.Servers[0], cluster.URL(), busy())
	more := []string{"NATS_URL=" + cluster.URL(), "NATS_REPLICAS=3", "LEASE_TTL=2s"}
	one, _ := s.logged("one", more...)
	one.ready(t).leads(t)
	two, _ := s.logged("two", more...)
	two.ready(t)
	end := s.talk(15)
	s.answered(10)
	stream := publish.StreamName("acme")
	node := cluster.StreamLeader(stream)
	if node == nil {
		t.Fatal("nobody leads the stream")
	}
	node.Stop()
	natstest.Eventually(t, "another node leads the stream", func() bool { return cluster.StreamLeader(stream) != nil })
	s.answered(10)
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	end()
	s.told()
	one.ready(t)
	two.ready(t)
}

// The same with a node that is a process and is killed, as when its host dies.
func TestNodeOfTheClusterIsKilled(t *testing.T) {
	t.Parallel()
	cluster := natstest.NewProcesses(t, 3)
	s := &site{t: t, org: newOrg(t, busy()), js: natstest.JetStream(t, natstest.Connect(t, cluster.URL()))}
	more := []string{"NATS_URL=" + cluster.URL(), "NATS_REPLICAS=3", "LEASE_TTL=2s"}
	one, _ := s.logged("one", more...)
	one.ready(t).leads(t)
	two, _ := s.logged("two", more...)
	two.ready(t)
	end := s.talk(15)
	s.answered(10)
	stream := publish.StreamName("acme")
	node := cluster.StreamLeader(s.js, stream)
	if node == nil {
		t.Fatal("nobody leads the stream")
	}
	node.Kill()
	natstest.Eventually(t, "another node leads the stream", func() bool {
		next := cluster.StreamLeader(s.js, stream)
		return next != nil && next != node
	})
	s.answered(10)
	node.Start()
	end()
	s.told()
	one.ready(t)
	two.ready(t)
}

// An instance that cannot reach NATS is replaced by the one that can, while people
// talk, and comes back as standby. Be it that its connection breaks or that it falls
// silent: what it sends late changes nothing.
func TestCutOffFromNATS(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(p *natstest.Proxy, on bool){
		"cut":    func(p *natstest.Proxy, on bool) { p.Refuse(on); p.Cut() },
		"frozen": (*natstest.Proxy).Freeze,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := natstest.New(t)
			s := newSiteOn(t, server, server.URL(), busy())
			way := natstest.NewFaultProxy(t, server)
			one, log := s.logged("one", "NATS_URL="+way.URL())
			one.ready(t).leads(t)
			two, _ := s.logged("two")
			two.ready(t)
			one.accompanied(t)
			end := s.talk(15)
			s.answered(10)
			cut(way, true)
			two.leads(t)
			s.answered(10)
			natstest.Eventually(t, "the instance that is cut off says so", func() bool {
				status, _ := one.readiness(t)
				return status == http.StatusServiceUnavailable && !one.Report().Ready
			})
			cut(way, false)
			one.role(t, recording.Secondary)
			one.ready(t)
			s.answered(10)
			end()
			c := s.told()
			if want := []string{"one", "two"}; !slices.Equal(c.leaders, want) {
				t.Errorf("leaders: %v", c.leaders)
			}
			if name == "cut" && len(log.lines("letting the other instance lead", "does not observe everybody")) > 0 {
				t.Error("the lead was handed over without NATS, where nobody hears of it")
			}
		})
	}
}

// A standby that is not sent what is stored says that the leader does not tell what was seen. The
// leader knows how far it has read, and goes on.
func TestStandbyThatDoesNotReadIsNotBelieved(t *testing.T) {
	t.Parallel()
	server := natstest.New(t)
	s := newSiteOn(t, server, server.URL(), busy())
	one, log := s.logged("one")
	one.ready(t).leads(t)
	way := natstest.NewFaultProxy(t, server)
	two, complaints := s.logged("two", "NATS_URL="+way.URL())
	two.ready(t)
	end := s.talk(15)
	s.answered(10)
	way.Hold(natstest.ToClient, true)
	natstest.Eventually(t, "the standby complains again and again", func() bool {
		return len(complaints.lines("the leader has not told what was seen here")) > 3
	})
	way.Hold(natstest.ToClient, false)
	s.answered(10)
	end()
	s.told()
	if handed := log.lines("letting the other instance lead"); len(handed) > 0 {
		t.Errorf("handed over: %v", handed)
	}
}

// An instance that cannot reach the platform hands over at once to the one that can,
// and comes back as standby. Nothing is learned from REST that the other observed, and
// a gap that was announced is closed.
func TestCutOffFromGenesys(t *testing.T) {
	t.Parallel()
	server := natstest.New(t)
	s := newSiteOn(t, server, server.URL(), busy())
	way := proxyTo(t, s.org.URL())
	one, log := s.logged("one", clientProxy(way))
	one.ready(t).leads(t)
	two, _ := s.logged("two")
	two.ready(t)
	one.accompanied(t)
	end := s.talk(15)
	s.answered(10)
	if way.Connections() == 0 {
		t.Fatal("the primary does not use its way: this proves nothing")
	}
	way.Refuse(true)
	way.Cut()
	two.leads(t)
	if one.Report().Ready {
		t.Error("an instance that observes nobody is ready")
	}
	s.answered(10)
	way.Refuse(false)
	one.ready(t)
	s.answered(10)
	end()
	c := s.told()
	if want := []string{"one", "two"}; !slices.Equal(c.leaders, want) {
		t.Errorf("leaders: %v", c.leaders)
	}
	if len(log.lines("letting the other instance lead", "why=socket_lost")) != 1 {
		t.Errorf("handed over: %v", log.lines("letting the other instance lead"))
	}
}

// A platform that falls silent for the primary alone is found out by the secondary,
// which sees what the primary does not tell.
func TestSilenceOfGenesysForOne(t *testing.T) {
	t.Parallel()
	server := natstest.New(t)
	s := newSiteOn(t, server, server.URL(), busy())
	way := proxyTo(t, s.org.URL())
	one, _ := s.logged("one", clientProxy(way))
	one.ready(t).leads(t)
	two, _ := s.logged("two")
	two.ready(t)
	end := s.talk(15)
	s.answered(10)
	way.Freeze(true)
	begin := time.Now()
	two.leads(t)
	t.Logf("the lead moved after %v", time.Since(begin))
	way.Freeze(false)
	s.answered(10)
	end()
	s.told()
}
