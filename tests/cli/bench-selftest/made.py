# SPDX-License-Identifier: MIT
# Prints a self-test that was made up: made.py NOISE BLOCKS [PERCENT COMPARISONS SEEN]...
# Pairs differ by up to NOISE; so many blocks of equals, and of each slowdown so many comparisons, in which B takes SEEN times
# as long.
import json
import random
import sys

chance = random.Random(1)
noise = float(sys.argv[1])


def sample(seconds):
    return {"wall": seconds, "user": seconds, "system": 0.0, "stolen": 0.0, "instructions": 0, "peak_rss_bytes": 1}


def pairs(n, ratio):
    return [{"b_first": chance.random() < 0.5, "dropped": False, "padding": 0, "a": sample(0.05),
             "b": sample(0.05 * ratio * (1 + noise * chance.uniform(-1, 1)))} for _ in range(n)]


def comparison(percent, rounds, looks):
    side = {"shown": "the operation", "kind": "command", "version": None, "digest": "0" * 32, "work": {}, "median": 0.05}
    return {"comparison": 1, "verdict": "PASS", "reason": "pairs", "metric": "cpu", "ratio": 1.0, "lower": 0.9, "upper": 1.1,
            "pairs": 12, "interrupted": False, "confirm": len(rounds) > 1 or percent > 0, "compares_output": True, "accepted": [],
            "rule": {"alpha": 0.02, "beta": 0.025, "certain": 0.01, "large": 0.03, "harmless": 0.05, "looks": looks},
            "a": side, "b": side, "machine": {"system": "Linux", "cpu": "made up", "cpus": 2, "used": "1",
                                              "counts_instructions": False},
            "program": "pressrun 1.0", "started": "2026-01-31T12:00:00Z", "arguments": ["selftest", "%g" % percent],
            "rounds": [{"seed": i, "alpha": [0.02, 0.0125][i], "verdict": "PASS", "ratio": 1.0, "lower": 0.9, "upper": 1.1,
                        "pairs": len(r), "samples": r} for i, r in enumerate(rounds)]}


print(json.dumps({"selftest": 1, "program": "pressrun 1.0", "started": "2026-01-31T12:00:00Z",
                  "machine": {"system": "Linux", "cpu": "made up", "cpus": 2, "used": "1"},
                  "operation": {"records": 4000, "cpu_seconds": 0.05, "share_per_step": 0.001}}))
for _ in range(int(sys.argv[2])):
    print(json.dumps(comparison(0, [pairs(96, 1)], [96])))
LOOKS = [8, 12, 16, 24, 32, 48, 64, 96]
for percent, count, seen in zip(*[iter(sys.argv[3:])] * 3):
    rounds = [16, 16] if float(seen) > 1.05 else [12]
    for _ in range(int(count)):
        print(json.dumps(comparison(float(percent), [pairs(n, float(seen)) for n in rounds], LOOKS)))
