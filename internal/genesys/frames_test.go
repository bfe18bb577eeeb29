package genesys_test

import (
	"fmt"
	"strings"
)

// frames are notifications in the shapes that the platform sends.
func frames() map[string]string {
	return map[string]string{
		"flat connected and held": `{"topicName":"v2.users.7d3c1c7e-1111-4f6b-9a51-0c2f6f1d0001.conversations.calls","version":"2","eventBody":{` +
			`"recordingState":"none","securePause":false,"participants":[` +
			`{"muted":false,"confined":true,"recording":false,"recordingState":"none","securePause":false,"id":"p-customer","name":"A Caller","address":"tel:+15550100001",` +
			`"connectedTime":"2026-08-28T18:40:17.990Z","purpose":"customer","state":"connected","initialState":"offering","direction":"inbound","held":false,` +
			`"wrapupRequired":false,"queue":{"id":"q-1"},"attributes":{},"provider":"Edge","mediaRoles":["full"]},` +
			`{"muted":false,"confined":false,"recording":false,"recordingState":"none","securePause":false,"id":"p-acd","name":"Support","address":"sip:acd@example.invalid",` +
			`"connectedTime":"2026-08-28T18:40:26.917Z","endTime":"2026-08-28T18:40:28.462Z","purpose":"acd","state":"terminated","initialState":"offering",` +
			`"direction":"inbound","disconnectType":"transfer","held":false,"wrapupRequired":false,"queue":{"id":"q-1"},"attributes":{},"provider":"Edge",` +
			`"conversationRoutingData":{"queue":{"id":"q-1"},"language":{},"priority":0},"peer":"c-1"},` +
			`{"muted":false,"confined":false,"recording":false,"recordingState":"none","transferSource":"ACD","securePause":false,"id":"p-agent","address":"sip:agent@example.invalid",` +
			`"connectedTime":"2026-08-28T18:40:28.462Z","startHoldTime":"2026-08-28T18:40:30.309Z","purpose":"agent","state":"connected","initialState":"alerting",` +
			`"direction":"inbound","held":true,"wrapupRequired":true,"wrapupPrompt":"optional","user":{"id":"7d3c1c7e-1111-4f6b-9a51-0c2f6f1d0001"},"queue":{"id":"q-1"},` +
			`"attributes":{"case":"4711","vip":true,"score":12.5},"alertingTimeoutMs":8000,"provider":"Edge","peer":"c-1","mediaRoles":["full"],"queueMediaSettings":{"alertingTimeoutSeconds":8}}],` +
			`"address":"tel:+15550100001","id":"conv-1"},"metadata":{"CorrelationId":"corr-1"}}`,
		"flat wrap-up of 2022": `{"topicName":"v2.users.u-2.conversations.calls","version":"2","eventBody":{"recordingState":"none","participants":[` +
			`{"muted":false,"confined":false,"recording":false,"id":"p-customer","name":"Mobile","ani":"tel:+15550100002","connectedTime":"2022-04-20T14:47:43.573Z",` +
			`"endTime":"2022-04-20T14:47:54.670Z","purpose":"customer","state":"terminated","direction":"inbound","disconnectType":"endpoint","held":false,` +
			`"queue":{"id":"q-2"},"attributes":{},"provider":"Edge"},{"purpose":"ivr","state":"terminated"},` +
			`{"id":"p-agent","ani":"sip:agent@localhost","connectedTime":"2022-04-20T14:47:51.360Z","endTime":"2022-04-20T14:47:54.672Z","purpose":"agent","state":"terminated",` +
			`"direction":"inbound","disconnectType":"peer","held":false,"wrapupRequired":true,"user":{"id":"u-2"},"queue":{"id":"q-2"},"attributes":{"urlclient":""},` +
			`"errorInfo":{"message":"session is inactive","code":"error.ininedgecontrol.session.inactive","details":[]},` +
			`"wrapup":{"code":"w-1","notes":"","durationSeconds":39,"endTime":"2022-04-20T14:48:33.626Z","additionalProperties":{}},` +
			`"startAcwTime":"2022-04-20T14:47:54.672Z","endAcwTime":"2022-04-20T14:48:33.626Z"}],"id":"conv-2"},"metadata":{"CorrelationId":"corr-2","type":"message"}}`,
		"nested with two calls": `{"topicName":"v2.users.u-3.conversations","version":"2","eventBody":{"id":"conv-3","maxParticipants":10,"recordingState":"NONE","securePause":true,"participants":[` +
			`{"id":"p-customer","name":"A Caller","purpose":"customer","address":"tel:+15550100003","connectedTime":"2026-08-28T10:00:00Z","attributes":{"lang":"en"},` +
			`"calls":[{"id":"c-1","state":"CONNECTED","direction":"inbound","held":false,"confined":true,"self":{"addressNormalized":"tel:+15550100003"},` +
			`"other":{"addressNormalized":"tel:+15550100099"},"connectedTime":"2026-08-28T10:00:00.1Z"}],"chats":[],"emails":[]},` +
			`{"id":"p-agent","userId":"u-3","queueId":"q-3","purpose":"agent","connectedTime":"2026-08-28T10:00:01Z","wrapupRequired":true,"startAcwTime":null,"calls":[` +
			`{"id":"c-2","state":"terminated","direction":"inbound","disconnectType":"endpoint","connectedTime":"2026-08-28T10:00:02Z","disconnectedTime":"2026-08-28T10:00:03Z",` +
			`"disconnectReasons":[{"type":"q850","code":16,"phrase":"NORMAL_CLEARING"},{}]},` +
			`{"id":"c-3","state":"connected","initialState":"alerting","direction":"inbound","held":true,"muted":true,"securePause":true,"startHoldTime":"2026-08-28T10:00:09Z",` +
			`"connectedTime":"2026-08-28T10:00:05Z","afterCallWork":{"state":"pending","startTime":"2026-08-28T10:01:00Z"},"wrapup":{"code":"w-2","durationSeconds":1}},` +
			`{"id":"c-4","state":"disconnected","disconnectedTime":"2026-08-28T10:00:08Z"}]},` +
			`{"id":"p-chat","userId":"u-9","purpose":"agent","chats":[{"id":"x","state":"connected"}]}]},"metadata":{"CorrelationId":"corr-3"}}`,
	}
}

// busy is a notification as a contact centre sends it all day, 3.8 KB: the caller, the
// queue and an agent, with what the flow has noted about the call. n tells the calls
// apart.
func busy(n int) []byte {
	id := func(kind int) string {
		return fmt.Sprintf("%08x-51c3-4e0f-9b%02x-7a6d%08x", (n+1)*2654435761%(1<<32), kind, n)
	}
	user, queue := id(1), fmt.Sprintf("93503f04-2840-4bd5-90ff-%012x", n%16)
	attributes := fmt.Sprintf(`{"flowVersion":"31.0","caseNumber":"%d","customerTier":"gold","language":"en-IE",`+
		`"greeting":"Thank you for calling, this call may be recorded.","intent":"billing \"dispute\"","lastAgent":"%s",`+
		`"authenticated":"true","ivrPath":"main/billing/invoice/dispute","surveyOptIn":"no"}`, 4711+n, id(2))
	participant := func(kind int, fields string) string {
		return fmt.Sprintf(`{"id":"%s","startTime":"2026-08-28T18:40:17.804Z","connectedTime":"2026-08-28T18:40:17.990Z",`+
			`"direction":"inbound","held":false,"wrapupRequired":false,"queue":{"id":"%s","selfUri":"/api/v2/routing/queues/%s"},`+
			`"attributes":%s,"provider":"Edge","peer":"%s","muted":false,"confined":false,"recording":false,"recordingState":"none",`+
			`"securePause":false,"mediaRoles":["full"],"initialState":"offering","ani":"tel:+1555010%04d","dnis":"tel:+15550199999",%s}`,
			id(kind), queue, queue, attributes, id(9), n%10000, fields)
	}
	return []byte(`{"topicName":"v2.users.` + user + `.conversations.calls","version":"2","eventBody":{"id":"` + id(0) + `","participants":[` + strings.Join([]string{
		participant(3, `"purpose":"customer","state":"connected","name":"Galway, Ireland","address":"tel:+15550100001","externalContact":{"id":"`+id(4)+`"}`),
		participant(5, `"purpose":"acd","state":"terminated","name":"Billing","address":"sip:queue@example.invalid;language=en-IE;user=acd",`+
			`"endTime":"2026-08-28T18:40:28.462Z","disconnectType":"transfer","conversationRoutingData":{"queue":{"id":"`+queue+`"},"priority":0,"skills":[],"scoredAgents":[]}`),
		participant(6, `"purpose":"agent","state":"connected","user":{"id":"`+user+`","selfUri":"/api/v2/users/`+user+`"},"address":"sip:agent@example.invalid",`+
			`"wrapupPrompt":"timeout","wrapupTimeoutMs":120000,"alertingTimeoutMs":8000,"queueMediaSettings":{"alertingTimeoutSeconds":8}`),
	}, ",") + `],"address":"tel:+15550100001","recordingState":"none","securePause":false},"metadata":{"CorrelationId":"` + id(7) + `"}}`)
}
