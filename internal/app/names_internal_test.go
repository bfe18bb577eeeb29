package app

import (
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// A directory replaces the one before: who is in it no more has no name and is not monitored,
// and keeps the station that events of a call tell.
func TestDirectoryIsReplaced(t *testing.T) {
	n := newNames()
	if n.Monitored("a") || n.User("a") != "" || n.Station("a") != nil || n.Queue("q") != "" {
		t.Error("something is known without a directory")
	}
	n.replace(&genesys.Directory{
		Users: map[string]genesys.User{
			"a": {Name: "A", Monitored: true, Station: genesys.Station{ID: "s1"}},
			"b": {Name: "B", Monitored: true},
		},
		Queues:   map[string]string{"q": "Q"},
		Stations: map[string]genesys.Station{"s1": {ID: "s1", Name: "desk", Type: "webrtc"}, "s2": {ID: "s2", Name: "other"}},
	})
	if !n.Monitored("a") || n.User("b") != "B" || n.Queue("q") != "Q" {
		t.Error("the directory is not known")
	}
	if s := n.Station("a"); s == nil || s.Name != "desk" || s.Type != "webrtc" {
		t.Errorf("the station of a is %+v", s)
	}
	if !n.move("b", genesys.Station{ID: "s2"}) || n.Station("b").Name != "other" || n.User("b") != "B" || !n.Monitored("b") {
		t.Error("b did not move to the station, or is nobody now")
	}
	if moved := n.replace(&genesys.Directory{Users: map[string]genesys.User{"b": {Name: "B2"}, "c": {Name: "C"}}}); len(moved) > 0 {
		t.Errorf("%v moved with a directory that tells no stations", moved)
	}
	if n.Monitored("a") || n.User("a") != "" || n.Monitored("b") || n.User("b") != "B2" || n.Queue("q") != "" {
		t.Error("the directory before is still known")
	}
	if a, b := n.Station("a"), n.Station("b"); a == nil || a.Name != "desk" || b == nil || b.Name != "other" {
		t.Errorf("the stations are %+v and %+v, want those that were notified", a, b)
	}
	n.replace(&genesys.Directory{})
	if len(n.people) != 2 {
		t.Errorf("%d people are kept, those with a station are 2", len(n.people))
	}
}
