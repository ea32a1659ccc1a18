# SPDX-License-Identifier: MIT
"""Sessions as runs leave them, in runs/sessions: s01 to s24, once a day, of a run of 10 s that wobbles by some per cent; the last one
took 14 s and did more work; s25 is of another manifest."""
import json
import os


def session(number, name="nightly", seconds=10.0, opcodes=1000000, slow=1.0, version="1.0.0", **more):
    middle = int(2000000 * slow)
    render = {"p50": middle / 1e9, "p95": middle / 1e9, "p99": 2 * middle / 1e9, "max": 2 * middle / 1e9,
              "mean": 1.01 * middle / 1e9, "count": 1000.0, "buckets": [middle, 990, 2 * middle, 10]}
    return dict({"session": "s%02d" % number, "name": name, "strategy": "balanced", "machine": "host-%d, EPYC" % (number % 3),
                 "version": version, "outcome": "done", "digest": "%032x" % (7 if slow == 1 else 8), "started": 1790000000.0 + 86400 * number,
                 "metrics": {"run.seconds": seconds, "run.workers": 4.0, "run.peak_rss_bytes": 1e8, "load.records": 500.0,
                             "render.opcodes": float(opcodes), "render.outputs": 1000.0, "run.failed": 0.0},
                 "distributions": {"render": render}, "errors": [], "samples": []}, **more)


os.makedirs("runs/sessions", exist_ok=True)
for s in [session(i, seconds=10 + 0.1 * (i * 7 % 5)) for i in range(1, 24)] + [
        session(24, seconds=14.0, opcodes=1100000, slow=1.5, version="1.1.0"), session(25, name="weekly", seconds=60.0)]:
    with open("runs/sessions/%s.json" % s["session"], "w") as f:
        json.dump(s, f)
with open("elsewhere.json", "w") as f:
    json.dump(session(3, seconds=10.05), f)
