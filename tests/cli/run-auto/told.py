"""What a run with `auto` says of itself, as far as it is the same on any machine."""
import json
import sys

run = json.loads(sys.stdin.readlines()[-1])
names = ["minimal", "sequential", "parallel", "cache_heavy", "balanced"]
choice = run["auto"]
print("one of the five" if run["strategy"] in names else run["strategy"], run["strategy"] == choice["choice"])
print("candidates", [row["strategy"] for row in choice["candidates"]])
print("batches", sum(row["batches"] for row in choice["candidates"]) == choice["batches"], choice["batches"] >= 20)
print("tries are a tenth at most:", choice["probe_batches"] <= 0.1 * choice["batches"] + 1)
print("begins with a", choice["decisions"][0]["decision"])
