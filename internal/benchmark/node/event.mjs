// The event that the Node bridge makes of a notification. It is the same one
// that the Go bridges make, see internal/benchmark/bridges/doc.go: no memory of
// the leg, so each notification of a call is an event.

const left = (p) => p.endTime != null || p.state === "terminated" || p.state === "disconnected";

// decide says in the words of the contract what a participant asks of the recorder.
function decide(p) {
  if (left(p)) return ["stop", "cleared", "stopped"];
  if (p.state === "alerting" || p.state === "offering") return ["prepare", "delivered", "armed"];
  if (p.state === "dialing" || p.state === "contacting") return ["prepare", "originated", "armed"];
  if (p.securePause) return ["pause", "secure_paused", "paused"];
  if (p.held) return ["update", "held", "recording"];
  if (p.muted) return ["update", "muted", "recording"];
  return ["start", "established", "recording"];
}

// translate returns the end of the subject and the event of a frame, or nothing
// when the frame is not about an agent's call.
export function translate(frame, now = new Date()) {
  const topic = /^v2\.users\.([^.]+)\.conversations(\.calls)?$/.exec(frame?.topicName);
  const body = frame?.eventBody;
  const agent = topic && body?.participants?.findLast((p) => p.purpose === "agent");
  if (!agent) return undefined;
  const user = agent.user?.id ?? agent.userId ?? topic[1];
  const first = body.participants[0];
  const correlationId = frame.metadata?.CorrelationId ?? "";
  const received = now.toISOString();
  const occurred = agent.endTime ?? agent.connectedTime ?? received;
  const [verb, cause, state] = decide(agent);
  const event = {
    specversion: "1.0",
    type: "recorder.v1.call",
    source: "/genesys/bench/bridge",
    subject: `${body.id}/${agent.id}`,
    id: `${agent.id}-${correlationId}`,
    time: occurred,
    datacontenttype: "application/json",
    sequence: "00000000000000000001",
    data: {
      verb,
      cause,
      state,
      revision: 1,
      epoch: 1,
      confidence: "observed",
      dataSource: "bench",
      conversation: {
        id: body.id,
        direction: first.direction,
        kind: agent.queue ? "acd" : "direct",
        queue: agent.queue && { id: agent.queue.id },
        ani: first.address,
        dnis: body.address,
        startTime: first.connectedTime,
      },
      leg: {
        id: agent.id,
        purpose: agent.purpose,
        role: "agent",
        direction: agent.direction,
        connectedTime: agent.connectedTime,
        endTime: agent.endTime,
        disconnectType: agent.disconnectType,
        held: agent.held === true,
        muted: agent.muted === true,
        confined: agent.confined === true,
        securePause: agent.securePause === true,
      },
      agent: { userId: user },
      peers: body.participants
        .filter((p) => p !== agent && !left(p))
        .map(({ id, purpose, address, name }) => ({ id, purpose, address, name })),
      timing: { occurred, received, published: received },
      source: { topic: topic[0], correlationId, instance: "bench" },
    },
  };
  return { subject: `call.${user}.${body.id}.${agent.id}`, event };
}
