// The plain Node bridge of the benchmark: what a user would write with ws and the
// NATS client instead of running the ingestor. One event for each notification,
// published with a message id, many at a time, in the order of the notifications.
//
// It is no service: no reconnect to the platform, no REST, no leadership, no
// recovery, no memory of a leg, and a message that is refused is only counted.
//
// Environment: BENCH_WS, BENCH_NATS, BENCH_SUBJECT (with its dot at the end).
// It prints "ready" once both sides are connected, and ends when standard input
// closes or at SIGTERM, after what is in flight has been acknowledged.

import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import WebSocket from "ws";
import { translate } from "./event.mjs";

const MAX_IN_FLIGHT = 4000; // the default of the Go client
const FLUSH_WITHIN = 5000; // milliseconds

const { BENCH_WS, BENCH_NATS, BENCH_SUBJECT } = process.env;
if (!BENCH_WS || !BENCH_NATS || !BENCH_SUBJECT) {
  console.error("set BENCH_WS, BENCH_NATS and BENCH_SUBJECT");
  process.exit(2);
}

const nc = await connect({ servers: BENCH_NATS });
const js = jetstream(nc);
const ws = new WebSocket(BENCH_WS, { perMessageDeflate: false });

let inFlight = 0;
let failed = 0;
let ending = false;
let idle = () => {}; // called when nothing is in flight

function fail(what, err) {
  failed++;
  if (failed <= 10) console.error(`${what}: ${err.message}`);
}

async function publish(subject, event) {
  inFlight++;
  if (inFlight >= MAX_IN_FLIGHT) ws.pause();
  try {
    await js.publish(BENCH_SUBJECT + subject, JSON.stringify(event), { msgID: event.id });
  } catch (err) {
    fail("publish", err);
  }
  inFlight--;
  if (ws.isPaused && inFlight < MAX_IN_FLIGHT / 2) ws.resume();
  if (inFlight === 0) idle();
}

ws.on("message", (data, isBinary) => {
  if (isBinary || ending) return;
  let frame;
  try {
    frame = JSON.parse(data);
  } catch (err) {
    console.error(`parse frame: ${err.message}`);
    return;
  }
  const made = translate(frame);
  if (made) publish(made.subject, made.event);
});
ws.on("error", (err) => fail("websocket", err));
ws.on("close", () => {
  if (!ending) {
    fail("websocket", new Error("closed by the other side"));
    end();
  }
});
ws.on("open", () => {
  console.log("ready");
});

async function end() {
  if (ending) return;
  ending = true;
  ws.terminate();
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, FLUSH_WITHIN);
  });
  if (inFlight > 0) await Promise.race([new Promise((resolve) => (idle = resolve)), late]);
  clearTimeout(timer);
  if (inFlight > 0) fail("flush", new Error(`${inFlight} events have no acknowledgement`));
  await nc.close();
  if (failed > 0) console.error(`${failed} failures`);
  process.exit(failed > 0 ? 1 : 0);
}

process.on("SIGTERM", end);
process.stdin.on("end", end).on("close", end).resume();
