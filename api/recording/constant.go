package recording

import "strings"

// usual has the words of the contract in it, and a few others that are in every event.
const usual = "prepare start update armed recording stopped originated delivered established held " +
	"retrieved secure_paused secure_resumed unmuted transferred conferenced monitored coached " +
	"barged unparked diverted failed cleared data_changed station_changed wrapped_up refreshed " +
	"recovered observed reconciled inbound outbound acd direct internal campaign callback agent " +
	"consult_target hold user customer external ivr"

// longestUsual is the longest of them, in bytes.
const longestUsual = 15

// constant returns a text. A usual one is a part of a constant: it takes no memory, however
// many legs are known.
func constant(b []byte) string {
	if len(b) <= longestUsual {
		if i := strings.Index(usual, string(b)); i >= 0 {
			return usual[i : i+len(b)]
		}
	}
	return string(b)
}
