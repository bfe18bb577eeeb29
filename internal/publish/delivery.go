package publish

import "strings"

// delivery is what the server tells of a delivered message in its reply subject.
type delivery struct {
	stream, consumer uint64 // sequences
	nanoseconds      int64  // when it was stored, since 1970
	pending          uint64 // how many more there are
}

// parseDelivery reads the reply subject, in its older and its newer form:
//
//	$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>
//	$JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>.<any>
//
// The client library reads it as well, into many more pieces.
func parseDelivery(reply string) (d delivery, ok bool) {
	rest, ok := strings.CutPrefix(reply, "$JS.ACK.")
	if !ok {
		return d, false
	}
	names := 3 // before the sequences
	switch tokens := strings.Count(rest, ".") + 1; {
	case tokens >= 9: // the last one may be missing, more may follow
		names = 5
	case tokens != 7:
		return d, false
	}
	for range names {
		_, rest, _ = strings.Cut(rest, ".")
	}
	var stored uint64
	for _, n := range []*uint64{&d.stream, &d.consumer, &stored, &d.pending} {
		if *n, rest, ok = cutNumber(rest); !ok {
			return d, false
		}
	}
	d.nanoseconds = int64(stored) // it fits until 2262
	return d, true
}

// cutNumber takes a number of up to 19 digits and the dot behind it off the front.
func cutNumber(s string) (n uint64, rest string, ok bool) {
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			return n, s[i+1:], i > 0
		}
		if c < '0' || c > '9' || i >= 19 {
			return 0, "", false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, "", s != ""
}
