package recording_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// draw fills v, whatever its type is, with anything it can hold: a field added to
// the contract is covered without touching a test.
func draw(t *rapid.T, v reflect.Value, texts *rapid.Generator[string]) {
	if v.Type() == reflect.TypeFor[recording.Time]() {
		v.Set(reflect.ValueOf(drawTime(t)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts.Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem(), texts)
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(t, "len"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			draw(t, v.Index(i), texts)
		}
	case reflect.Map:
		if m := rapid.MapOfN(texts, texts, 0, 40).Draw(t, "map"); len(m) > 0 {
			v.Set(reflect.ValueOf(m))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			draw(t, field, texts)
		}
	default:
		t.Fatalf("no way to draw a %s", v.Type())
	}
}

func drawTime(t *rapid.T) recording.Time {
	if rapid.Bool().Draw(t, "zero time") {
		return recording.Time{}
	}
	const first, last = -62167219200, 253402300799 // the years 0 to 9999
	sec := rapid.Int64Range(first, last).Draw(t, "seconds")
	nano := rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")
	zone := time.FixedZone("", rapid.IntRange(-86399, 86399).Draw(t, "zone"))
	return recording.At(time.Unix(sec, nano).In(zone))
}

// anyText is any bytes, among them what JSON must escape and what is not UTF-8.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{"", "<a&b>", "\u2028\u2029", "\xff\xfe", "\"\\\b\f\n\r\t\x00\x1f\x7f", "é€😀", "{"}),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
}

// drawEvent returns a *CallEvent, *AgentEvent or *FeedEvent with anything in it.
func drawEvent(t *rapid.T, texts *rapid.Generator[string]) event {
	e := rapid.SampledFrom([]event{&recording.CallEvent{}, &recording.AgentEvent{}, &recording.FeedEvent{}}).Draw(t, "kind")
	e = reflect.New(reflect.TypeOf(e).Elem()).Interface().(event) //nolint:errcheck // it is the type just taken
	draw(t, reflect.ValueOf(e).Elem(), texts)
	return e
}

// event is what the three events have in common.
type event interface{ AppendJSON(b []byte) []byte }

// oracle is encoding/json without HTML escaping.
func oracle(tb testing.TB, v any) []byte {
	tb.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		tb.Fatalf("encode: %v", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
