package publish_test

import (
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// streamOptions is the stream most tests use.
var streamOptions = publish.StreamOptions{
	Name:     publish.StreamName("test"),
	Subjects: []string{publish.StreamSubject("test")},
}
