"""Tries the recorder without NATS: what it does with the story, a replay and a gap.

    python3 -m unittest recorder_test.py
"""

import contextlib
import io
import json
import pathlib
import unittest

import recorder

EXAMPLES = pathlib.Path(__file__).parent.parent


def story():
    """All call and feed events of the examples, in the order in which they were published."""
    events = [json.loads(p.read_text()) for p in sorted(EXAMPLES.glob("*.json"))]
    events = [e for e in events if e["type"] != "recorder.v1.agent"]
    return sorted(events, key=lambda e: e["data"].get("timing", {}).get("published", e["time"]))


def subject(event):
    if event["subject"] == "feed":
        return "recorder.v1.acme.feed"
    user = event["data"].get("agent", {}).get("userId", "_")
    return f"recorder.v1.acme.call.{user}.{event['subject'].replace('/', '.')}"


def told(events, learning=False):
    """A recorder that was given events, and what it has printed."""
    r, out = recorder.Recorder(), io.StringIO()
    r.learning = learning
    with contextlib.redirect_stdout(out):
        for event in events:
            r.handle(subject(event), json.dumps(event).encode())
        if learning:
            r.learned()
    return r, out.getvalue()


class RecorderTest(unittest.TestCase):
    def test_story(self):
        self.assertEqual(told(story())[1], (EXAMPLES / "story.txt").read_text())

    def test_again(self):
        self.assertEqual(told(story() + story())[1], told(story())[1])

    def test_replay_acts_on_nothing_that_is_over(self):
        paused = next(i for i, e in enumerate(story()) if e["data"].get("verb") == "pause")
        out = told(story()[: paused + 1], learning=True)[1]
        self.assertIn("paused ", out)
        self.assertNotIn("recording ", out)

    def test_refuses(self):
        r = recorder.Recorder()
        with contextlib.redirect_stdout(io.StringIO()):
            for body in (b"hello", b"", b"null", b"[1]", b"{}", b'{"specversion":"1.0","type":"recorder.v1.call"}'):
                self.assertFalse(r.handle("recorder.v1.acme.call.u.c.l", body), body)

    def test_silence_pauses(self):
        start = [e for e in story() if e["data"].get("verb") == "start"][:1]
        r, _ = told(start)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            r.heard(False)
            r.heard(True)
        self.assertRegex(out.getvalue(), r"(?s)silent: true\npaused .*silent: false\nrecording ")


if __name__ == "__main__":
    unittest.main()
