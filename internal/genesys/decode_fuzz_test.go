package genesys_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// FuzzDecode holds the decoder against encoding/json: it never panics, and on valid
// JSON with distinct keys it reads what the oracle reads. The decoder of a socket reads
// the same in memory that other frames have used, and keeps nothing of the frame's own.
func FuzzDecode(f *testing.F) {
	for _, frame := range frames() {
		body := between(frame, `"eventBody":`, `,"metadata"`)
		f.Add([]byte(body), false)
		f.Add([]byte(body), true)
	}
	f.Add([]byte(`{"id":"a","participants":[{"id":"\ud83d\ude00\u0041","name":"\ud800","held":"no","calls":7}]}`), true)
	f.Add([]byte(`{"id":"0"}`), false)
	f.Add([]byte(`{"id":"a","participants":[{"id":"x","connectedTime":1650000000000.5,"endTime":"2026-02-29T00:00:00"}]}`), false)
	other := between(frames()["flat wrap-up of 2022"], `"eventBody":`, `,"metadata"`)
	f.Fuzz(func(t *testing.T, body []byte, nested bool) {
		suffix := ".conversations.calls"
		if nested {
			suffix = ".conversations"
		}
		frameOf := func(body string) []byte {
			return []byte(`{"eventBody":` + body + `,"topicName":"v2.users.u` + suffix + `"}`)
		}
		frame := frameOf(string(body))
		got, err := genesys.DecodeConversation(body, nested)
		framed, frameErr := genesys.DecodeFrame(frame)
		used := genesys.NewDecoder(nil)
		before, err2 := used(frameOf(other))
		if err2 != nil {
			t.Fatal(err2)
		}
		_, _ = used(frame)
		again, againErr := used(frame) // as far as it is the same, it is not read
		clear(frame)
		_, _ = genesys.DecodeFrame(body)
		value, ok := unambiguous(body)
		if !ok {
			return
		}
		want, wantErr := oracle(value, nested)
		if (err != nil) != (wantErr != nil) || (frameErr != nil) != (wantErr != nil) || (againErr != nil) != (wantErr != nil) {
			t.Fatalf("errors: decoder %v, frame %v, in used memory %v, oracle %v", err, frameErr, againErr, wantErr)
		}
		if err != nil {
			return
		}
		got.View = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("decoder against oracle:\n%s", diff)
		}
		if before.Snapshot != again.Snapshot {
			t.Fatal("the memory of the snapshot is lost")
		}
		framed.Snapshot.View, framed.Snapshot.Topic = "", ""
		if diff := cmp.Diff(&want, framed.Snapshot); diff != "" {
			t.Fatalf("frame against oracle:\n%s", diff)
		}
		if len(again.Snapshot.Participants) == 0 {
			again.Snapshot.Participants = nil // room for some is not some
		}
		again.Snapshot.View, again.Snapshot.Topic = "", ""
		if diff := cmp.Diff(&want, again.Snapshot); diff != "" {
			t.Fatalf("frame in used memory against oracle:\n%s", diff)
		}
	})
}

// unambiguous parses JSON in which no two members could stand for the same thing: the
// order of members is lost in a map.
func unambiguous(body []byte) (any, bool) {
	if !json.Valid(body) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || !distinct(body) {
		return nil, false
	}
	return value, true
}

// distinct reports whether no object has a key twice, or two keys for one meaning.
func distinct(body []byte) bool {
	same := strings.NewReplacer("disconnectedTime", "endTime", "startAlertingTime", "startTime")
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	type level struct {
		keys   map[string]bool
		object bool
		key    bool
	}
	var stack []level
	for {
		token, err := d.Token()
		if err != nil {
			return true
		}
		top := len(stack) - 1
		if s, ok := token.(string); ok && top >= 0 && stack[top].object && stack[top].key {
			s = same.Replace(s)
			if stack[top].keys[s] {
				return false
			}
			stack[top].keys[s] = true
			stack[top].key = false
			continue
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:top]
		} else if ok {
			stack = append(stack, level{keys: map[string]bool{}, object: delim == '{', key: true})
			continue
		}
		if top = len(stack) - 1; top >= 0 {
			stack[top].key = true
		}
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}
