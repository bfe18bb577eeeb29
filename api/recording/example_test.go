package recording_test

import (
	"errors"
	"fmt"
	"slices"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// The subjects that a recorder subscribes to.
func Example_subjects() {
	const adapter, user, conversation, leg = "Acme", "e0260f10", "8f1c2a34", "4b2e7d10"
	calls := "recorder.v1." + recording.AdapterToken(adapter) + ".call."

	fmt.Println("stream:    ", recording.StreamName(adapter))
	fmt.Println("everything:", recording.AllSubjects(adapter))
	fmt.Println("one leg:   ", recording.CallSubject(adapter, user, conversation, leg))
	fmt.Println("one agent: ", calls+recording.Token(user)+".>")
	fmt.Println("one call:  ", calls+"*."+recording.Token(conversation)+".*")
	fmt.Println("the feed:  ", recording.FeedSubject(adapter))
	// Output:
	// stream:     RECORDER_ACME
	// everything: recorder.v1.acme.>
	// one leg:    recorder.v1.acme.call.e0260f10.8f1c2a34.4b2e7d10
	// one agent:  recorder.v1.acme.call.e0260f10.>
	// one call:   recorder.v1.acme.call.*.8f1c2a34.*
	// the feed:   recorder.v1.acme.feed
}

// A minimal recorder makes its own state equal to the desired state in each event.
// It does not have to understand verbs and causes, and an event that it missed does
// no harm: the pause below is lost on the way, and the update after it says all.
func Example_recorder() {
	messages := [][]byte{
		callMessage(1, recording.Prepare, recording.Delivered, recording.Armed),
		callMessage(2, recording.Start, recording.Established, recording.Recording),
		// 3, pause, is lost
		callMessage(4, recording.Update, recording.Muted, recording.Paused),
		callMessage(5, recording.Resume, recording.SecureResumed, recording.Recording),
		callMessage(6, recording.Stop, recording.Cleared, recording.Stopped),
	}

	doing := map[string]recording.State{} // by leg
	for _, b := range messages {
		event, err := recording.Decode(b)
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		if e, ok := event.(*recording.CallEvent); ok {
			if want := e.Data.State; doing[e.Subject] != want {
				fmt.Printf("%s: %s (%s, %s)\n", e.Subject, want, e.Data.Verb, e.Data.Cause)
				doing[e.Subject] = want
			}
		}
	}
	// Output:
	// 8f1c2a34/4b2e7d10: armed (prepare, delivered)
	// 8f1c2a34/4b2e7d10: recording (start, established)
	// 8f1c2a34/4b2e7d10: paused (update, muted)
	// 8f1c2a34/4b2e7d10: recording (resume, secure_resumed)
	// 8f1c2a34/4b2e7d10: stopped (stop, cleared)
}

// The revisions of a leg are 1, 2, 3 … without a hole, and so are those of an agent
// and of the feed. Whoever has them all has missed nothing. A revision that is not
// higher than the last one was delivered again: acknowledge it and do nothing.
func Example_completeness() {
	messages := [][]byte{
		callMessage(1, recording.Start, recording.Established, recording.Recording),
		callMessage(2, recording.Update, recording.Muted, recording.Recording),
		callMessage(2, recording.Update, recording.Muted, recording.Recording), // delivered again
		callMessage(5, recording.Stop, recording.Cleared, recording.Stopped),
	}

	last := map[string]uint64{} // revision by leg
	for _, b := range messages {
		event, err := recording.Decode(b)
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		e, ok := event.(*recording.CallEvent)
		if !ok {
			continue
		}
		before, known := last[e.Subject]
		switch r := e.Data.Revision; {
		case known && r <= before:
			fmt.Println(r, "again")
			continue
		case known && r > before+1:
			fmt.Println(r, "after", before, "- missing:", r-before-1)
		default:
			fmt.Println(r, "complete")
		}
		last[e.Subject] = e.Data.Revision
	}
	// Output:
	// 1 complete
	// 2 complete
	// 2 again
	// 5 after 2 - missing: 2
}

// While a gap is open, a secure pause of the users in its scope can go unnoticed. A
// recorder that fails closed writes nothing for them until the gap is closed; by then
// every leg that differs has got its event, marked as reconciled.
func Example_gap() {
	const user = "e0260f10"
	scope := &recording.GapScope{Users: 1, UserIDs: []string{user}}
	messages := [][]byte{
		feedMessage(1, recording.FeedHeartbeat, recording.Gap{}),
		feedMessage(2, recording.FeedGapOpened, recording.Gap{ID: "g1", Cause: recording.GapSocketLost, Scope: scope}),
		feedMessage(3, recording.FeedGapClosed, recording.Gap{ID: "g1", Cause: recording.GapSocketLost, Scope: scope}),
	}

	open := map[string]*recording.GapScope{}
	blind := func(user string) bool {
		for _, s := range open {
			more := s.All || len(s.UserIDs) < s.Users // than are named
			if more || slices.Contains(s.UserIDs, user) {
				return true
			}
		}
		return false
	}
	for _, b := range messages {
		event, err := recording.Decode(b)
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		if e, ok := event.(*recording.FeedEvent); ok {
			switch e.Data.Event {
			case recording.FeedGapOpened:
				open[e.Data.ID] = e.Data.Scope
			case recording.FeedGapClosed:
				delete(open, e.Data.ID)
			default:
			}
			fmt.Printf("after %s: may write %t\n", e.Data.Event, !blind(user))
		}
	}
	// Output:
	// after heartbeat: may write true
	// after gap_opened: may write false
	// after gap_closed: may write true
}

// What is in the stream is not an event because of that: look at it.
func ExampleDecode() {
	for _, b := range []string{
		`{"specversion":"1.0","type":"recorder.v1.feed","data":{"event":"heartbeat","instance":"a","later":true}}`,
		`{"specversion":"1.0","type":"recorder.v2.call"}`,
		`{"type":"io.nats.jetstream.api.v1.consumer_info_response"}`,
	} {
		event, err := recording.Decode([]byte(b))
		switch e := event.(type) {
		case *recording.FeedEvent:
			fmt.Println("feed:", e.Data.Event, "from", e.Data.Instance)
		default:
			fmt.Println("later version:", errors.Is(err, recording.ErrUnknownType), "- no event:", errors.Is(err, recording.ErrNotAnEvent))
		}
	}
	// Output:
	// feed: heartbeat from a
	// later version: true - no event: false
	// later version: false - no event: true
}

func ExampleParseSubject() {
	s, err := recording.ParseSubject("recorder.v1.acme.call._.8f1c2a34.4b2e7d10")
	fmt.Println(s.Kind, s.ConversationID, s.LegID, s.UserID == recording.NoUser, err)
	_, err = recording.ParseSubject("recorder.v1.acme.call.*.8f1c2a34.4b2e7d10")
	fmt.Println(err)
	// Output:
	// call 8f1c2a34 4b2e7d10 true <nil>
	// subject "recorder.v1.acme.call.*.8f1c2a34.4b2e7d10": token "*" is not of [A-Za-z0-9_-]
}

// callMessage is the body of a message, with no more in it than the examples need.
func callMessage(revision uint64, v recording.Verb, c recording.Cause, s recording.State) []byte {
	e := recording.CallEvent{
		Envelope: recording.Envelope{
			SpecVersion: recording.SpecVersion, Type: recording.TypeCall, Subject: "8f1c2a34/4b2e7d10",
			Sequence: recording.SequenceOf(revision),
		},
		Data: recording.CallData{Verb: v, Cause: c, State: s, Revision: revision},
	}
	return e.AppendJSON(nil)
}

func feedMessage(revision uint64, kind recording.FeedKind, gap recording.Gap) []byte {
	e := recording.FeedEvent{
		Envelope: recording.Envelope{SpecVersion: recording.SpecVersion, Type: recording.TypeFeed, Subject: "feed"},
		Data:     recording.FeedData{Event: kind, Revision: revision, Instance: "a", Gap: gap},
	}
	return e.AppendJSON(nil)
}
