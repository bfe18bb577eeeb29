// A minimal recorder: follows the calls of one adapter and prints what it would do.
// The recorder in Go beside it says more about the reasons.
//
//   npm ci
//   NATS_URL=nats://127.0.0.1:4222 ADAPTER_NAME=acme node recorder.mjs
//
// It is tried against every story and fault, from the top of the repository:
//
//   go run ./cmd/sandbox conformance -- node api/examples/recorder-js/recorder.mjs
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";

const adapter = process.env.ADAPTER_NAME ?? "acme";
const stream = `RECORDER_${adapter.toUpperCase()}`;
const prefix = `recorder.v1.${adapter.toLowerCase()}`;
const durable = "recorder-js";
const window = 30 * 60_000; // two refresh intervals: every open leg is in it
const silence = 30_000; // three heartbeats: nothing is known any more

const legs = new Map(); // desired and own state, by leg
const gaps = new Map(); // scope, by gap id
let feed = 0; // revision of the last feed event
let mute = false; // nothing has come for too long
let learning = true; // during the replay nothing is acted on: it may be over

const say = (what, text) => console.log(`${what.padEnd(9)} ${text}`);
// A line for the conformance run, see CONFORMANCE.md.
const report = (line) => process.env.REPORT === "json" && console.log(JSON.stringify(line));

// handle takes one message; false means that it is not an event of the contract.
function handle(subject, data) {
  let event;
  try {
    event = JSON.parse(new TextDecoder().decode(data));
  } catch {
    event = undefined;
  }
  const token = subject.split(".");
  if (event?.specversion === "1.0" && event.type === "recorder.v1.call" &&
      event.data?.leg?.id === token.at(-1) && Number.isInteger(event.data.revision)) {
    call(event, token[4]);
  } else if (event?.specversion === "1.0" && event.type === "recorder.v1.feed" &&
      token.length === 4 && Number.isInteger(event.data?.revision)) {
    observe(event);
  } else {
    say("refused", `${subject}: not an event of this contract`);
    return false;
  }
  return true;
}

function call({ subject, time, data }, user) {
  const leg = legs.get(subject) ?? { doing: "stopped" };
  if (data.revision <= leg.revision) return; // delivered again
  if (data.revision > leg.revision + 1) {
    say("MISSING", `${subject} revisions ${leg.revision + 1} to ${data.revision - 1}`);
    leg.missing = data.revision - leg.revision - 1;
  }
  Object.assign(leg, { revision: data.revision, user, want: data.state, since: Date.parse(time), tags: data.tags });
  legs.set(subject, leg);
  settle(subject, `${data.verb} ${data.cause}, ${data.confidence}`);
  tell(subject);
}

function observe({ time, data }) {
  if (data.revision <= feed) return; // delivered again
  if (feed > 0 && data.revision !== feed + 1) {
    say("MISSING", `feed revisions ${feed + 1} to ${data.revision - 1}`);
    report({ subject: "feed", revision: data.revision, missing: data.revision - feed - 1 });
  }
  feed = data.revision;
  if (data.event === "gap_opened") {
    say("gap", `${data.id} opened: ${data.cause}`);
    gaps.set(data.id, data.scope ?? { all: true });
    settleAll("gap");
  } else if (data.event === "gap_closed") {
    say("gap", `${data.id} closed: ${data.recoveredCount ?? 0} recovered, ${data.possiblyLostCount ?? 0} possibly lost`);
    gaps.delete(data.id);
    settleAll("gap closed");
  }
  for (const [key, leg] of legs) {
    if (leg.want === "stopped" && Date.parse(time) - leg.since > window) legs.delete(key);
  }
}

function heard(something) {
  if (mute !== something) return;
  mute = !something;
  say("feed", `silent: ${mute}`);
  settleAll("silence");
}

// blind: a secure pause of the user's calls could go unnoticed.
const blind = (user) => mute || [...gaps.values()].some(({ all, users = 0, userIds = [] }) =>
  all || userIds.length < users || userIds.includes(user));

function settleAll(why) {
  if (learning) return;
  for (const key of [...legs.keys()].sort()) {
    if (settle(key, why)) tell(key);
  }
}

// learned ends the replay: only now is it sure what each leg should be.
function learned() {
  learning = false;
  for (const key of [...legs.keys()].sort()) {
    settle(key, "replay");
    tell(key);
  }
  report({ ready: durable });
}

// settle fails closed: what the recorder cannot know to be allowed it does not write.
function settle(key, why) {
  if (learning) return false;
  const leg = legs.get(key);
  const want = leg.want === "recording" && blind(leg.user) ? "paused" : leg.want;
  if (want === leg.doing) return false;
  say(want, `${key} (${why})`);
  leg.doing = want;
  return true;
}

function tell(key) {
  if (learning) return;
  const { revision, doing: state, user, tags, missing } = legs.get(key);
  report({ subject: key, revision, state, agent: user === "_" ? undefined : user, tags, missing });
  legs.get(key).missing = undefined;
}

const nc = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222", maxReconnectAttempts: -1 });
const js = jetstream(nc);
const start = () => ({
  filter_subjects: [`${prefix}.call.>`, `${prefix}.feed`],
  deliver_policy: DeliverPolicy.StartTime,
  opt_start_time: new Date(Date.now() - window).toISOString(),
});

// First what is already open, without acknowledging anything. What is over by now must
// not be done again: a leg that was recording may be paused.
const replay = await js.consumers.get(stream, start());
if ((await replay.info()).num_pending > 0) {
  for await (const m of await replay.consume()) {
    handle(m.subject, m.data);
    if (m.info.pending === 0) break;
  }
}
// Then the durable consumer, from where it was: revisions tell what was replayed.
const jsm = await jetstreamManager(nc);
await jsm.consumers.info(stream, durable).catch(() => jsm.consumers.add(stream, {
  ...start(), durable_name: durable, ack_policy: AckPolicy.Explicit, ack_wait: nanos(2_000), max_ack_pending: 1,
}));
const consumer = await js.consumers.get(stream, durable);
process.once("SIGINT", () => nc.close());
learned();
while (!nc.isClosed()) {
  const m = await consumer.next({ expires: silence }).catch((error) => {
    if (!nc.isClosed()) throw error;
    return undefined;
  });
  if (m === undefined || nc.isClosed()) break;
  heard(m !== null);
  if (m === null) continue;
  if (handle(m.subject, m.data)) await m.ackAck(); // the server has it: it will not come again
  else m.term("not an event of this contract");
}
