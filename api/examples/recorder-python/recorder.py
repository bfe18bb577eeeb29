"""A minimal recorder: follows the calls of one adapter and prints what it would do.

The recorder in Go beside it says more about the reasons.

    pip install -r requirements.txt
    NATS_URL=nats://127.0.0.1:4222 ADAPTER_NAME=acme python3 recorder.py
"""

import asyncio
import datetime
import json
import os

ADAPTER = os.environ.get("ADAPTER_NAME", "acme")
STREAM = "RECORDER_" + ADAPTER.upper()
PREFIX = "recorder.v1." + ADAPTER.lower()
FILTERS = [PREFIX + ".call.>", PREFIX + ".feed"]
DURABLE = "recorder-python"
WINDOW = datetime.timedelta(minutes=30)  # two refresh intervals: every open leg is in it
SILENCE = 30  # seconds, three heartbeats: nothing is known any more


def say(what, text):
    print(f"{what:<9} {text}", flush=True)


def report(**line):
    """A line for the conformance run, see CONFORMANCE.md."""
    if os.environ.get("REPORT") == "json":
        print(json.dumps({k: v for k, v in line.items() if v}), flush=True)


class Recorder:
    """Keeps the desired state of every leg and makes its own equal to it."""

    def __init__(self):
        self.legs = {}  # desired and own state, by leg
        self.gaps = {}  # scope, by gap id
        self.feed = 0  # revision of the last feed event
        self.mute = False  # nothing has come for too long
        self.learning = True  # during the replay nothing is acted on: it may be over

    def handle(self, subject, data):
        """Takes one message; False means that it is not an event of the contract."""
        token = subject.split(".")
        try:
            event = json.loads(data)
            body = event["data"]
            known = event["specversion"] == "1.0" and isinstance(body["revision"], int)
            if known and event["type"] == "recorder.v1.call" and body["leg"]["id"] == token[-1]:
                self.call(event, body, token[4])
                return True
            if known and event["type"] == "recorder.v1.feed" and len(token) == 4:
                self.observe(event, body)
                return True
        except (ValueError, KeyError, TypeError):
            pass
        say("refused", f"{subject}: not an event of this contract")
        return False

    def call(self, event, body, user):
        key, revision = event["subject"], body["revision"]
        leg = self.legs.setdefault(key, {"revision": None, "doing": "stopped"})
        if leg["revision"] is not None and revision <= leg["revision"]:
            return  # delivered again
        if leg["revision"] is not None and revision > leg["revision"] + 1:
            say("MISSING", f"{key} revisions {leg['revision'] + 1} to {revision - 1}")
            leg["missing"] = revision - leg["revision"] - 1
        leg.update(revision=revision, user=user, want=body["state"], since=moment(event["time"]), tags=body.get("tags"))
        self.settle(key, f"{body['verb']} {body['cause']}, {body['confidence']}")
        self.tell(key)

    def observe(self, event, body):
        if body["revision"] <= self.feed:
            return  # delivered again
        if self.feed and body["revision"] != self.feed + 1:
            say("MISSING", f"feed revisions {self.feed + 1} to {body['revision'] - 1}")
            report(subject="feed", revision=body["revision"], missing=body["revision"] - self.feed - 1)
        self.feed = body["revision"]
        if body["event"] == "gap_opened":
            say("gap", f"{body['id']} opened: {body['cause']}")
            self.gaps[body["id"]] = body.get("scope", {"all": True})
            self.settle_all("gap")
        elif body["event"] == "gap_closed":
            recovered, lost = body.get("recoveredCount", 0), body.get("possiblyLostCount", 0)
            say("gap", f"{body['id']} closed: {recovered} recovered, {lost} possibly lost")
            self.gaps.pop(body["id"], None)
            self.settle_all("gap closed")
        now = moment(event["time"])
        self.legs = {k: l for k, l in self.legs.items() if l["want"] != "stopped" or now - l["since"] <= WINDOW}

    def heard(self, something):
        if self.mute == something:
            self.mute = not something
            say("feed", f"silent: {str(self.mute).lower()}")
            self.settle_all("silence")

    def blind(self, user):
        """Whether a secure pause of the user's calls could go unnoticed."""
        return self.mute or any(
            s.get("all") or len(s.get("userIds", [])) < s.get("users", 0) or user in s.get("userIds", [])
            for s in self.gaps.values()
        )

    def settle_all(self, why):
        for key in [] if self.learning else sorted(self.legs):
            if self.settle(key, why):
                self.tell(key)

    def learned(self):
        """Ends the replay: only now is it sure what each leg should be."""
        self.learning = False
        for key in sorted(self.legs):
            self.settle(key, "replay")
            self.tell(key)
        report(ready=DURABLE)

    def settle(self, key, why):
        """Fails closed: what the recorder cannot know to be allowed it does not write."""
        if self.learning:
            return False
        leg = self.legs[key]
        want = "paused" if leg["want"] == "recording" and self.blind(leg["user"]) else leg["want"]
        if want == leg["doing"]:
            return False
        say(want, f"{key} ({why})")
        leg["doing"] = want
        return True

    def tell(self, key):
        if self.learning:
            return
        leg = self.legs[key]
        agent = "" if leg["user"] == "_" else leg["user"]
        report(subject=key, revision=leg["revision"], state=leg["doing"], agent=agent, tags=leg["tags"], missing=leg.pop("missing", 0))


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


async def main():
    import nats  # here, so that what is above can be tried without it
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"), max_reconnect_attempts=-1)
    js, recorder = nc.jetstream(), Recorder()
    start = {
        "filter_subjects": FILTERS,
        "deliver_policy": DeliverPolicy.BY_START_TIME,
        "opt_start_time": datetime.datetime.now(datetime.timezone.utc) - WINDOW,
    }
    # First what is already open, without acknowledging anything. What is over by now
    # must not be done again: a leg that was recording may be paused.
    config = ConsumerConfig(**start, ack_policy=AckPolicy.NONE, inactive_threshold=60, mem_storage=True)
    replay = await js.pull_subscribe("", stream=STREAM, config=config)
    pending = (await replay.consumer_info()).num_pending
    while pending:
        for msg in await replay.fetch(100):
            recorder.handle(msg.subject, msg.data)
            pending = msg.metadata.num_pending
    await replay.unsubscribe()
    # Then the durable consumer, from where it was: revisions tell what was replayed.
    config = ConsumerConfig(**start, ack_policy=AckPolicy.EXPLICIT, ack_wait=2, max_ack_pending=1)
    consumer = await js.pull_subscribe("", durable=DURABLE, stream=STREAM, config=config)
    recorder.learned()
    while True:
        try:
            [msg] = await consumer.fetch(1, timeout=SILENCE)
        except nats.errors.TimeoutError:
            recorder.heard(False)
            continue
        recorder.heard(True)
        if recorder.handle(msg.subject, msg.data):
            await msg.ack_sync()  # the server has it: it will not come again
        else:
            await msg.term()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
