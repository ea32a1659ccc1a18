"""What a trace and a session know of filters: watched.py TRACE SESSION PROCESSES, one after the other."""
import collections
import json
import sys

lives = [e for e in json.load(open(sys.argv[1], encoding="utf-8")) if e["cat"] == "through"]
begun, free = collections.Counter(), collections.defaultdict(float)
for begin, end in sorted(zip(lives[::2], lives[1::2]), key=lambda life: life[0]["ts"]):  # workers write blocks
    assert (begin["ph"], end["ph"], begin["id"]) == ("b", "e", end["id"]) and begin["args"] == end["args"]
    assert begin["ts"] >= free[begin["id"]], "two at once in one place"
    free[begin["id"]] = end["ts"]
    begun[begin["name"], begin["args"]["bytes_in"] > 0, begin["args"]["bytes_out"] > 0] += 1
assert max(free) < int(sys.argv[3]), free
for (name, reads, writes), n in sorted(begun.items()):
    print(name, n, "read something" if reads else "", "wrote something" if writes else "")
session = json.load(open(sys.argv[2], encoding="utf-8"))
print(session["metrics"]["through.processes"], session["metrics"]["through.seconds"] > 0)
for name, figures in sorted(session["distributions"].items()):
    if name.startswith("through"):
        print(name, figures["count"], 0 < figures["p50"] <= figures["p95"] <= figures["p99"] <= figures["max"])
