package logging

import (
	"log/slog"
	"strings"
)

// telling reports whether an attribute says what a line is about.
func telling(key string) bool {
	switch key {
	case "error", "what", "part", "cause", "why", "reason":
		return true
	default:
		return false
	}
}

// maxKey bounds the part of a value that tells things apart.
const maxKey = 200

// subject is what a line is about, apart from level and message: the values of its
// telling attributes. Runs with a digit are one mark, so that ids, ports and durations
// in the text of an error do not make it another error.
func subject(b *strings.Builder, a slog.Attr) {
	if !telling(a.Key) {
		return
	}
	text := a.Value.Resolve().String()
	text = text[:min(len(text), maxKey)]
	b.WriteByte('|')
	for word := range strings.FieldsFuncSeq(text, separates) {
		if strings.ContainsAny(word, "0123456789") {
			word = "#"
		}
		b.WriteString(word)
		b.WriteByte(' ')
	}
}

func separates(r rune) bool { return strings.ContainsRune(" \t\n/:,;.=\"'()[]{}", r) }

// keyOf is what makes two lines the same.
func keyOf(with string, r *slog.Record) string {
	var b strings.Builder
	b.WriteString(r.Level.String())
	b.WriteByte('|')
	b.WriteString(r.Message)
	b.WriteString(with)
	r.Attrs(func(a slog.Attr) bool { subject(&b, a); return true })
	return b.String()
}

// withAttrs adds the attributes of a logger to what its lines are about.
func withAttrs(with string, attrs []slog.Attr) string {
	var b strings.Builder
	b.WriteString(with)
	for _, a := range attrs {
		subject(&b, a)
	}
	return b.String()
}
