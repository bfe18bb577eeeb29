package simulator

import (
	"bytes"
	"strings"
)

// malformed returns frames that no client should choke on: not JSON, the wrong
// types, unknown words, cut off, or nested too deep.
func malformed(topic string) [][]byte {
	wrap := func(body string) []byte { return envelope(topic, []byte(body), "malformed") }
	deep := strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	return [][]byte{
		[]byte(``),
		[]byte(`this is not JSON`),
		[]byte(`null`),
		[]byte(`42`),
		[]byte(`[]`),
		[]byte(`{}`),
		[]byte(`{"topicName":7,"eventBody":"x"}`),
		[]byte(`{"topicName":"` + topic + `"}`),
		[]byte(`{"topicName":"` + topic + `","eventBody":null}`),
		[]byte(`{"topicName":"v2.users.unknown.something.new","version":"3","eventBody":{"id":1}}`),
		[]byte(`{"topicName":"channel.metadata"}`),
		[]byte(`{"result":"400","status":"error"}`),
		wrap(`"a string"`),
		wrap(`{}`),
		wrap(`{"id":12345,"participants":"none"}`),
		wrap(`{"id":"malformed-1","participants":[null,17,"x",{},[]]}`),
		wrap(`{"id":"malformed-2","participants":[{"id":"p","purpose":"agent","state":17,"connectedTime":"yesterday","held":"maybe"}]}`),
		wrap(`{"id":"malformed-3","participants":[{"id":"p","purpose":"robot","state":"levitating","disconnectType":"evaporated","direction":"sideways"}]}`),
		wrap(`{"id":"malformed-4","participants":[` + deep + `]}`),
		wrap(`{"id":"../../etc","participants":[{"id":"a.b *>","purpose":"ivr","state":"terminated"}]}`),
		wrap(`{"id":"malformed-5","participants":[{"id":"\ud800","name":"\u0000"}]}`),
		[]byte(`{"topicName":"` + topic + `","version":"2","eventBody":{"id":"cut","participants":[{"id":"`),
		[]byte("{\"topicName\":\"" + topic + "\",\"eventBody\":{\"id\":\"ctl\",\"name\":\"\x01\x02\"}}"),
	}
}

// oversized returns a well-formed frame of about n bytes about no conversation.
func oversized(topic string, n int) []byte {
	body := append([]byte(`{"id":"oversized","participants":[],"name":"`), bytes.Repeat([]byte("x"), n)...)
	return envelope(topic, append(body, '"', '}'), "oversized")
}
