package genesys_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// A decoder that lasts reads every frame as one does that has read no other, whatever came
// before it on the same topic: longer and shorter lists, others in their places, members of
// other types, and frames that end in the middle.
func TestFramesAfterOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decode := genesys.NewDecoder([]string{"case"})
		var list []string
		for range rapid.IntRange(1, 12).Draw(t, "frames") {
			place := 0
			if len(list) > 0 {
				place = rapid.IntRange(0, len(list)-1).Draw(t, "place")
			}
			switch what := rapid.SampledFrom([]string{"same", "changed", "changed", "more", "fewer", "moved"}).Draw(t, "what"); {
			case what == "more" || len(list) == 0:
				for range rapid.SampledFrom([]int{1, 2, 20}).Draw(t, "parties") {
					list = append(list, party(t))
				}
			case what == "changed":
				list[place] = party(t)
			case what == "fewer":
				list = append(list[:place:place], list[place+1:]...)
			case what == "moved":
				list[0], list[place] = list[place], list[0]
			}
			topic := rapid.SampledFrom([]string{"u1.conversations.calls", "u2.conversations.calls", "u1.conversations"}).Draw(t, "topic")
			frame := fmt.Sprintf(`{"topicName":"v2.users.%s","eventBody":{"id":"c","participants":[%s]}}`, topic,
				strings.Join(list, rapid.SampledFrom([]string{",", " , "}).Draw(t, "comma")))
			if rapid.IntRange(0, 5).Draw(t, "whole") == 0 {
				frame = frame[:rapid.IntRange(0, len(frame)-1).Draw(t, "end")]
			}
			got, err := decode([]byte(frame))
			want, wantErr := genesys.NewDecoder([]string{"case"})([]byte(frame))
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("%s\nafter others: %v, alone: %v", frame, err, wantErr)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s\nalone against after others:\n%s", frame, diff)
			}
		}
	})
}

// party is the text of a participant in either shape, of few that differ.
func party(t *rapid.T) string {
	of := func(label string, texts ...string) string { return rapid.SampledFrom(texts).Draw(t, label) }
	if of("party", "one", "one", "one", "none") == "none" {
		return of("none", `{}`, `7`, `{"calls":[]}`)
	}
	return `{` + strings.Join([]string{
		of("id", `"id":"a"`, `"id":"b"`, `"id":7`, `"x":0`),
		of("state", `"state":"connected"`, `"state":"alerting"`),
		of("user", `"user":{"id":"u1","name":"n"}`, `"user":{"id":"u2"}`, `"userId":"u3"`, `"user":null`),
		of("attributes", `"attributes":{"case":"1"}`, `"attributes":{"case":"2"}`, `"attributes":{}`, `"attributes":7`, `"x":0`),
		of("wrapup", `"wrapup":{"code":"w"}`, `"x":0`),
		of("calls", `"calls":[{"state":"connected","held":true}]`, `"calls":[]`, `"x":0`),
	}, ",") + `}`
}

// Of a participant that has not changed nothing is read again, wherever the list has.
func TestUnchangedIsNotReadAgain(t *testing.T) {
	decode := genesys.NewDecoder([]string{"case"})
	frame := func(muted string) *call.Snapshot {
		f, err := decode([]byte(`{"topicName":"v2.users.u.conversations.calls","eventBody":{"id":"c","participants":[` +
			`{"id":"first","muted":` + muted + `,"wrapup":{"code":"w"},"attributes":{"case":"1","other":"2"}},` +
			`{"id":"second","wrapup":{"code":"w"}}]}}`))
		if err != nil || len(f.Snapshot.Participants) != 2 {
			t.Fatal(err, f.Snapshot)
		}
		return f.Snapshot
	}
	before := slices.Clone(frame("false").Participants)
	after := frame("true").Participants
	if after[0].Muted != call.Yes {
		t.Error("the change is not read")
	}
	if after[0].Wrapup == before[0].Wrapup {
		t.Error("what changed is not read again")
	}
	if after[1].Wrapup != before[1].Wrapup {
		t.Error("what did not change is read again")
	}
	after[0].Attributes["case"] = "mark"
	if before[0].Attributes["case"] != "mark" {
		t.Error("attributes that did not change are read again")
	}
	if unsafe.StringData(after[0].ID) != unsafe.StringData(before[0].ID) {
		t.Error("a text that is the same is made again")
	}
}
