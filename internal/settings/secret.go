package settings

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret holds a value that must not be seen. It prints as "[set]" with every
// verb of fmt, in JSON, as text and in logs, or as nothing when it is empty.
// The zero value is an empty secret.
//
// The value is behind a pointer, because fmt does not call the methods of
// fields that are not exported: even there only an address is printed.
type Secret struct {
	value *string
}

// NewSecret returns a secret with the given value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the value. Hand it to the one who needs it, keep no copy.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet tells whether there is a value.
func (s Secret) IsSet() bool { return s.value != nil }

// Equal tells whether both secrets have the same value.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String implements fmt.Stringer without the value.
func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return "[set]"
}

// Format implements fmt.Formatter, so that no verb finds the value.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.String()) }

// LogValue implements slog.LogValuer without the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, and thereby JSON, without the
// value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
