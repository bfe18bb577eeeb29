package publish

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Difference is one setting that is not as it must be.
type Difference struct {
	Setting string // as the NATS tools show it
	Found   string
	Wanted  string
	Fix     string // what the operator can do
}

// DifferenceError lists every setting of a stream or bucket that is not as it
// must be. It belongs to the class [ErrDifferent].
type DifferenceError struct {
	What        string // "stream RECORDER_ACME", "bucket lease"
	Differences []Difference
}

// Error names all differences and what to do about each.
func (e *DifferenceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v: ", e.What, ErrDifferent)
	for i, d := range e.Differences {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s is %s, wanted %s (%s)", d.Setting, d.Found, d.Wanted, d.Fix)
	}
	return b.String()
}

// Unwrap makes the error one of the class [ErrDifferent].
func (e *DifferenceError) Unwrap() error { return ErrDifferent }

// differences compares what a promise of this package rests on. Settings an
// operator may choose freely (placement, compression, description) are left out.
func differences(found, want jetstream.StreamConfig) []Difference {
	name := found.Name
	edit := func(flag string) string { return "nats stream edit " + name + " " + flag }
	fixed := "cannot be changed: move the messages away and create it anew"
	var d []Difference
	compare := func(setting string, found, want any, fix string) {
		f, w := fmt.Sprint(found), fmt.Sprint(want)
		if f != w {
			d = append(d, Difference{Setting: setting, Found: f, Wanted: w, Fix: fix})
		}
	}
	onOff := func(setting string, found, want bool, flag string) {
		fix := fixed
		if want {
			fix = edit("--" + flag)
		}
		compare(setting, found, want, fix)
	}
	subjects := func(s []string) string { return strings.Join(slices.Sorted(slices.Values(s)), ",") }
	limit := func(n int64) string {
		if n <= 0 {
			return "unlimited"
		}
		return fmt.Sprint(n)
	}

	compare("subjects", subjects(found.Subjects), subjects(want.Subjects), edit("--subjects="+subjects(want.Subjects)))
	compare("retention", found.Retention, want.Retention, fixed)
	compare("storage", found.Storage, want.Storage, fixed)
	compare("discard", found.Discard, want.Discard, edit("--discard="+strings.ToLower(strings.TrimPrefix(want.Discard.String(), "Discard"))))
	compare("replicas", found.Replicas, want.Replicas, fmt.Sprintf("%s, or set the replicas wanted to %d", edit(fmt.Sprintf("--replicas=%d", want.Replicas)), found.Replicas))
	compare("max_age", found.MaxAge, want.MaxAge, fmt.Sprintf("%s, or set the age wanted to %v", edit("--max-age="+want.MaxAge.String()), found.MaxAge))
	compare("duplicate_window", found.Duplicates, want.Duplicates, edit("--dupe-window="+want.Duplicates.String()))
	compare("max_bytes", limit(found.MaxBytes), limit(want.MaxBytes), edit(fmt.Sprintf("--max-bytes=%d", want.MaxBytes)))
	compare("max_msgs", limit(found.MaxMsgs), limit(want.MaxMsgs), edit("--max-msgs=-1"))
	compare("max_msgs_per_subject", limit(found.MaxMsgsPerSubject), limit(want.MaxMsgsPerSubject), edit(fmt.Sprintf("--max-msgs-per-subject=%d", want.MaxMsgsPerSubject)))
	onOff("deny_delete", found.DenyDelete, want.DenyDelete, "deny-delete")
	onOff("deny_purge", found.DenyPurge, want.DenyPurge, "deny-purge")
	onOff("allow_rollup_hdrs", found.AllowRollup, want.AllowRollup, "allow-rollup")
	onOff("allow_direct", found.AllowDirect, want.AllowDirect, "allow-direct")
	onOff("allow_msg_ttl", found.AllowMsgTTL, want.AllowMsgTTL, "allow-msg-ttl")
	compare("subject_delete_marker_ttl", found.SubjectDeleteMarkerTTL, want.SubjectDeleteMarkerTTL, edit("--subject-del-markers-ttl="+want.SubjectDeleteMarkerTTL.String()))
	compare("no_ack", found.NoAck, false, edit("--ack"))
	compare("sealed", found.Sealed, false, fixed)
	compare("mirror", found.Mirror != nil, false, fixed)
	return d
}
