// Runs the bridge against a real server. BENCH_NATS is the address of a NATS server
// with JetStream that nobody else uses: the test makes a stream BENCH_NODE_TEST.
// npm ci --ignore-scripts && BENCH_NATS=nats://127.0.0.1:4222 npm test

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { WebSocketServer } from "ws";

const COUNT = 5000; // more than the bridge has in flight
const STREAM = "BENCH_NODE_TEST";
const PREFIX = "bench.node.test.";

const correlation = (n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

const notification = (n) => ({
  topicName: "v2.users.user.conversations.calls",
  eventBody: {
    id: `conversation-${n}`,
    address: "tel:+15550000000",
    participants: [
      { id: "customer", purpose: "customer", state: "connected", direction: "inbound", name: 'a "b"' },
      { id: "ivr", purpose: "ivr", state: "terminated", endTime: "2026-08-28T18:40:26.809Z" },
      { id: `leg-${n}`, purpose: "agent", state: "connected", held: n % 2 === 1, user: { id: "agent" } },
    ],
  },
  metadata: { CorrelationId: correlation(n) },
});

test("one event for each notification, in order", { timeout: 120_000 }, async () => {
  assert.ok(process.env.BENCH_NATS, "BENCH_NATS must name a NATS server with JetStream");
  const nc = await connect({ servers: process.env.BENCH_NATS });
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: STREAM, subjects: [`${PREFIX}>`], storage: "memory" });
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  let child;
  try {
    await once(server, "listening");
    server.on("connection", (socket) => {
      socket.send("no JSON");
      socket.send(JSON.stringify({ topicName: "channel.metadata", eventBody: { message: "WebSocket Heartbeat" } }));
      for (let n = 0; n < COUNT; n++) socket.send(JSON.stringify(notification(n)));
    });
    child = spawn(process.execPath, [fileURLToPath(new URL("bridge.mjs", import.meta.url))], {
      env: { ...process.env, BENCH_WS: `ws://127.0.0.1:${server.address().port}`, BENCH_SUBJECT: PREFIX },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const exit = once(child, "exit");
    let stderr = "";
    child.stderr.on("data", (text) => (stderr += text));
    const [first] = await once(child.stdout, "data");
    assert.equal(String(first), "ready\n");
    let stored = 0;
    while (stored < COUNT) {
      stored = (await jsm.streams.info(STREAM)).state.messages;
      await delay(20);
    }
    child.stdin.end();
    const [code] = await exit;
    assert.match(stderr, /^parse frame: .*\n$/);
    assert.equal(code, 0);
    assert.equal((await jsm.streams.info(STREAM)).state.messages, COUNT);
    for (let n = 0; n < COUNT; n += 499) {
      const message = await jsm.streams.getMessage(STREAM, { seq: n + 1 });
      const event = message.json();
      assert.equal(message.subject, `${PREFIX}call.agent.conversation-${n}.leg-${n}`);
      assert.equal(event.data.source.correlationId, correlation(n));
      assert.equal(event.data.verb, n % 2 === 1 ? "update" : "start");
      assert.deepEqual(event.data.peers, [{ id: "customer", purpose: "customer", name: 'a "b"' }]);
    }
  } finally {
    child?.kill();
    server.close();
    for (const socket of server.clients) socket.terminate();
    await jsm.streams.delete(STREAM);
    await nc.close();
  }
});
