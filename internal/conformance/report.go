package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// ReportSubject is the NATS subject on which a recorder may report.
const ReportSubject = "conformance.report"

// FeedSubject stands for the feed in [Report.Subject], as it does in the events.
const FeedSubject = "feed"

// Report is one line of the recorder under test. It has Ready, or Subject and the rest.
type Report struct {
	// Ready is a name for the recorder, once after each start: the replay is over, and
	// what is open has been reported.
	Ready string `json:"ready,omitempty"`
	// Subject is the attribute subject of the event: <conversationId>/<legId>, or feed.
	Subject string `json:"subject,omitempty"`
	// Revision is that of the last event of the leg that was acted on.
	Revision uint64 `json:"revision,omitempty"`
	// State is what the recorder does with the leg now.
	State recording.State `json:"state,omitempty"`
	// Agent and Tags are what the recording is labelled with: the user id, and all tags.
	// A recorder that never reports them is not judged by them.
	Agent string            `json:"agent,omitempty"`
	Tags  map[string]string `json:"tags,omitempty"`
	// Missing is how many revisions were missing before this one. It is the only reason
	// to report about the feed.
	Missing uint64 `json:"missing,omitempty"`
}

// ErrReport is wrapped by the errors of [ParseReport].
var ErrReport = errors.New("not a report")

// ParseReport reads one line. Fields that it does not know are ignored.
func ParseReport(line []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("%w: %w", ErrReport, err)
	}
	switch {
	case r.Ready != "" && r.Subject == "":
		return r, nil
	case r.Ready != "" || r.Subject == "":
		return r, fmt.Errorf("%w: it needs either ready or subject: %.200s", ErrReport, line)
	case r.Revision == 0:
		return r, fmt.Errorf("%w: revision is missing: %.200s", ErrReport, line)
	case r.State == "" && r.Subject != FeedSubject:
		return r, fmt.Errorf("%w: state is missing: %.200s", ErrReport, line)
	}
	return r, nil
}

// readLines hands over each line that looks like JSON, and the others to rest, until
// the end.
func readLines(from io.Reader, report func([]byte), rest io.Writer) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if text := bytes.TrimSpace(line); bytes.HasPrefix(text, []byte("{")) {
			report(text)
		} else if len(text) > 0 {
			fmt.Fprintf(rest, "%s\n", text)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the reports: %w", err)
		}
	}
}
