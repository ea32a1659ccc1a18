# SPDX-License-Identifier: MIT
"""Sessions as runs leave them, in runs/sessions: s01 to s24, once a day, of a run of 10 s that wobbles by some per cent; the last one
took 14 s and did more work; s25 is of another manifest. In moved/sessions forty more, of which the last fifteen are of a new version
and slower, and the tenth stands alone."""
import json
import os


def bucket(nanoseconds):
    """Of 32 to a doubling; docs/metrics.md."""
    doubling = nanoseconds.bit_length() - 6
    return doubling * 32 - 64 + (nanoseconds >> doubling)


def session(number, name="nightly", seconds=10.0, opcodes=1000000, slow=1.0, version="1.0.0", **more):
    middle = int(2000000 * slow)
    render = {"p50": middle / 1e9, "p95": middle / 1e9, "p99": 2 * middle / 1e9, "max": 2 * middle / 1e9,
              "mean": 1.01 * middle / 1e9, "count": 1000.0, "buckets": [bucket(middle), 990, 32, 10]}
    return dict({"session": "s%02d" % number, "name": name, "strategy": "balanced", "machine": "host-%d, EPYC" % (number % 3),
                 "version": version, "outcome": "done", "digest": "%032x" % (7 if slow == 1 else 8), "started": 1790000000.0 + 86400 * number,
                 "metrics": {"run.seconds": seconds, "run.workers": 4.0, "run.peak_rss_bytes": 1e8, "load.records": 500.0,
                             "render.opcodes": float(opcodes), "render.outputs": 1000.0, "run.failed": 0.0},
                 "distributions": {"render": render}, "errors": [], "samples": []}, **more)


def write(directory, sessions):
    os.makedirs(directory + "/sessions", exist_ok=True)
    for s in sessions:
        with open("%s/sessions/%s.json" % (directory, s["session"]), "w") as f:
            json.dump(s, f)


def wobble(i):
    return 10 + 0.1 * (i * 7 % 5)


write("runs", [session(i, seconds=wobble(i)) for i in range(1, 24)] + [
    session(24, seconds=14.0, opcodes=1100000, slow=1.5, version="1.1.0"), session(25, name="weekly", seconds=60.0)])
write("moved", [session(i, seconds=50.0 if i == 10 else wobble(i)) for i in range(1, 26)] + [
    session(i, seconds=1.1 * wobble(i), slow=1.5, opcodes=1100000, version="1.1.0") for i in range(26, 41)] + [
    session(41, name="weekly", seconds=60.0)])
with open("elsewhere.json", "w") as f:
    json.dump(session(3, seconds=10.05), f)
