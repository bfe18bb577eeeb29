package load

import (
	"bytes"
	"strings"
	"time"
)

// kind is what a frame shows of the agent's leg.
type kind int

const (
	alerting kind = iota
	talking
	held
	muted
	ended
	kinds // how many there are
)

// Marks in the text of a template. Each stands for a field of fixed length, so that
// every frame of a kind is equally long and patching copies and no more.
const (
	markUser  = "<user>"  // number of the user, 12 digits
	markCall  = "<call>"  // number of the call, 12 digits
	markFrame = "<frame>" // number of the frame, 12 digits
	markBegun = "<begun>" // when the call began
	markRung  = "<rung>"  // when it reached the queue
	markSince = "<since>" // when the agent answered
	markHeld  = "<held>"  // when the hold began
	markEnded = "<ended>" // when the agent left
)

const (
	digits    = 12
	stampForm = "2006-01-02T15:04:05.000Z"
	stampLen  = len(stampForm)
)

// fields says how long what stands for a mark is.
func fields() map[string]int {
	return map[string]int{
		markUser: digits, markCall: digits, markFrame: digits,
		markBegun: stampLen, markRung: stampLen, markSince: stampLen, markHeld: stampLen, markEnded: stampLen,
	}
}

// template is a frame of one kind with the places that differ from call to call.
type template struct {
	text   []byte
	places map[string][]int // offsets into text, by mark
	// body is where the event begins and ends: REST tells the same without the frame.
	body, bodyEnd int
}

func newTemplate(text string) *template {
	t := &template{places: make(map[string][]int)}
	for text != "" {
		at := strings.IndexByte(text, '<')
		if at < 0 {
			t.text = append(t.text, text...)
			break
		}
		t.text = append(t.text, text[:at]...)
		end := at + strings.IndexByte(text[at:], '>') + 1
		mark := text[at:end]
		t.places[mark] = append(t.places[mark], len(t.text))
		t.text = append(t.text, bytes.Repeat([]byte{'0'}, fields()[mark])...)
		text = text[end:]
	}
	const from, to = `"eventBody":`, `,"metadata"`
	t.body = bytes.Index(t.text, []byte(from)) + len(from)
	t.bodyEnd = bytes.LastIndex(t.text, []byte(to))
	return t
}

func (t *template) patch(frame []byte, mark string, value []byte) {
	for _, at := range t.places[mark] {
		copy(frame[at:], value)
	}
}

// appendNumber writes n with twelve digits.
func appendNumber(b []byte, n int) []byte {
	at := len(b)
	b = append(b, "000000000000"...)
	for i := at + digits - 1; n > 0 && i >= at; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return b
}

func appendStamp(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, stampForm) }

// Ids are numbers in the shape of a UUID; the first part tells what they name.
const (
	idUser     = "d0000000-0000-4000-8000-"
	idCall     = "c0000000-0000-4000-8000-"
	idCustomer = "c1000000-0000-4000-8000-"
	idIVR      = "c2000000-0000-4000-8000-"
	idACD      = "c3000000-0000-4000-8000-"
	idLeg      = "c4000000-0000-4000-8000-"
	idPeer     = "c5000000-0000-4000-8000-"
	idFrame    = "00000000-0000-4000-8000-"
	idQueue    = "e0000000-0000-4000-8000-000000000001"
	idDivision = "e1000000-0000-4000-8000-000000000001"
	idPresence = "e2000000-0000-4000-8000-000000000001"
)

// templates makes the frames, in the flat shape of v2.users.{id}.conversations.calls:
// a caller who went through a menu and a queue to an agent. Whoever is on the call
// stays on it until the agent leaves: a frame changes one thing of one leg.
func templates() (all [kinds]*template) {
	for k := range all {
		all[k] = newTemplate(frameText(kind(k)))
	}
	return all
}

func frameText(k kind) string {
	state, hold, mute, times := "connected", "false", "false", `"connectedTime":"<since>",`
	switch k {
	case talking, kinds:
	case alerting:
		state, times = "alerting", ""
	case held:
		hold, times = "true", times+`"startHoldTime":"<held>",`
	case muted:
		mute = "true"
	case ended:
		state, times = "terminated", times+`"endTime":"<ended>","disconnectType":"client",`
	}
	const common = `"confined":false,"recording":false,"recordingState":"none","securePause":false,"provider":"Edge","direction":"inbound",`
	attributes := `"attributes":{` +
		`"crm.case":"case-<call>","crm.account":"account-0000004711","crm.segment":"gold","crm.language":"en-GB",` +
		`"ivr.path":"main>billing>dispute>agent","ivr.authenticated":"true","ivr.attempts":"1","ivr.dtmf":"",` +
		`"route.skill":"billing","route.priority":"5","route.target":"queue-billing-tier-2","route.callback":"declined",` +
		`"context.note":"customer asks about the invoice of the last month and about the reminder that followed it",` +
		`"context.origin":"website","context.consent":"recorded","context.survey":"offered",` +
		`"context.session":"s-<call>-0123456789abcdef0123456789abcdef"},`
	attributes = strings.ReplaceAll(attributes, "main>billing>dispute>agent", "main/billing/dispute/agent")
	ghost := func(id, purpose, from, to, more string) string {
		return `{"muted":false,` + common + `"id":"` + id + `<call>","name":"` + purpose + `-name","address":"sip:` + purpose +
			`@example.invalid","connectedTime":"` + from + `","endTime":"` + to + `","purpose":"` + purpose +
			`","state":"terminated","initialState":"offering","disconnectType":"transfer","held":false,"wrapupRequired":false,` +
			`"attributes":{},` + more + `"peer":"` + idPeer + `<call>"}`
	}
	queue := `"queue":{"id":"` + idQueue + `"},`
	return `{"topicName":"v2.users.` + idUser + `<user>.conversations.calls","version":"2","eventBody":{"id":"` + idCall + `<call>",` +
		`"recordingState":"none","securePause":false,"address":"tel:+15550000000","maxParticipants":8,"participants":[` +
		`{"muted":false,` + common + `"id":"` + idCustomer + `<call>","name":"customer-name","address":"sip:customer@example.invalid",` +
		`"connectedTime":"<begun>","purpose":"customer","state":"connected","initialState":"offering","held":false,` +
		`"wrapupRequired":false,` + queue + attributes + `"mediaRoles":["full"],"ani":"tel:+15550000001","dnis":"tel:+15550000000"},` +
		ghost(idIVR, "ivr", "<begun>", "<rung>", "") + "," +
		ghost(idACD, "acd", "<rung>", "<rung>", queue+`"conversationRoutingData":{"queue":{"id":"`+idQueue+`"},"language":{},"priority":0,"skills":[],"scoredAgents":[]},`) + "," +
		`{"muted":` + mute + `,` + common + `"id":"` + idLeg + `<call>","address":"sip:agent@example.invalid",` + times +
		`"purpose":"agent","state":"` + state + `","initialState":"alerting","held":` + hold + `,"wrapupRequired":true,"wrapupPrompt":"optional",` +
		`"user":{"id":"` + idUser + `<user>"},` + queue + attributes + `"transferSource":"ACD","alertingTimeoutMs":8000,"peer":"` + idPeer +
		`<call>","mediaRoles":["full"],"queueMediaSettings":{"alertingTimeoutSeconds":8}}` +
		`]},"metadata":{"CorrelationId":"` + idFrame + `<frame>"}}`
}
