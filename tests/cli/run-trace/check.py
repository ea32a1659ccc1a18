"""check.py WORKERS ARGUMENT...: a run with a trace; looks at all that must hold of any trace, and says what it shows."""
import collections
import json
import os
import shutil
import subprocess
import sys

workers = int(sys.argv[1])
if os.path.exists("t.json"):
    os.remove("t.json")
if "KEEP" not in os.environ:
    shutil.rmtree("out", ignore_errors=True)
run = subprocess.run(["pressrun", *sys.argv[2:], "-j", str(workers), "--json", "--batch", "4096", "--trace", "t.json"],
                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
summary = json.loads(run.stdout.splitlines()[-1]) if run.stdout else None
with open("t.json", encoding="utf-8") as file:
    events = json.load(file)


def nanoseconds(micros):
    """Times have three decimals: what they are in whole nanoseconds is exact."""
    assert abs(micros * 1000 - round(micros * 1000)) < 0.01, micros
    return round(micros * 1000)


def expect(what, *details):
    if not what:
        sys.exit("%r" % (details,))


named = {"M": [], "X": [], "b": [], "e": [], "C": []}
for event in events:
    named[event["ph"]].append(event)
    expect(event["pid"] == 1 and event["ts"] >= 0 and event["cat"], event)
    expect(event["name"] == "process_name" or 1 <= event["tid"] <= workers + 1, event)
rows = {e["tid"]: e["args"]["name"] for e in named["M"] if e["name"] == "thread_name"}
expect(rows == {**{n: "worker %d" % n for n in range(1, workers + 1)}, workers + 1: "critical path"}, rows)

# Spans of one row follow each other, and so clearly that rounding does not make them overlap.
ends = collections.defaultdict(int)
for span in sorted(named["X"], key=lambda e: (e["tid"], e["ts"], e["dur"])):
    begin = nanoseconds(span["ts"])
    expect(begin >= ends[span["tid"]], "overlap", span)
    ends[span["tid"]] = begin + nanoseconds(span["dur"]) + 2

# On the row of the critical path are spans of workers, and what is between them: it has no gaps from start to end.
path = sorted((s for s in named["X"] if s["tid"] == workers + 1), key=lambda e: e["ts"])
named["X"] = [s for s in named["X"] if s["tid"] != workers + 1]
between = {"start": 0, "waiting": 0, "end": 0}
at = None
for span in path:
    begin, length = nanoseconds(span["ts"]), nanoseconds(span["dur"])
    expect(span["cat"] == "critical path" and (at is None or abs(begin - at) <= 4), "a gap", span, at)
    at = begin + length
    if span["name"] in between:
        between[span["name"]] += length
        continue
    same = [s for s in named["X"] if s["tid"] == span["args"]["worker"] and s["name"] == span["name"]
            and abs(nanoseconds(s["ts"]) - begin) <= 4 and abs(nanoseconds(s["dur"]) - length) <= 4]
    expect(len(same) == 1, "not what a worker did", span, same)
expect(path[0]["name"] == "start" and path[-1]["name"] == "end" and path.index(path[-1]) == len(path) - 1, path[0], path[-1])
if summary and "critical_path" in summary:
    parts = {(p["stage"], p.get("job") or p.get("source")): p["seconds"] for p in summary["critical_path"]}
    expect(abs(sum(parts.values()) - summary["seconds"]) < 1e-6 * len(path) + 1e-5, parts, summary["seconds"])
    for name, length in between.items():
        expect(abs(parts.get((name, None), 0) - length / 1e9) < 1e-8 * len(path) + 1e-6, name, parts, length)
    expect(abs(sum(p["share"] for p in summary["critical_path"]) - 1) < 0.01, parts)

# They add up to the busy time of their stages.
busy = collections.Counter()
for span in named["X"]:
    emitting = span["args"].get("emitting_ns", 0)
    expect(emitting <= nanoseconds(span["dur"]), span)
    busy[span["cat"]] += nanoseconds(span["dur"]) - emitting
    busy["emit"] += emitting
for stage, seconds in summary["stage_seconds"].items() if summary else ():
    expect(abs(seconds - busy[stage] / 1e9) < 2e-9 * len(named["X"]) + 1e-8, stage, seconds, busy)

# Every batch has its life, within which its spans are.
lives = {}
for begin in named["b"]:
    end = [e for e in named["e"] if e["id"] == begin["id"] and e["name"] == begin["name"]]
    expect(len(end) == 1 and end[0]["ts"] >= begin["ts"], begin, end)
    batch = "batch" if begin["name"].startswith("batch of ") else "group_batch"
    key = (batch, begin["args"].get("source") or begin["args"]["job"], begin["args"][batch])
    expect(key not in lives, key)
    lives[key] = (begin["ts"], end[0]["ts"])
expect(len(named["e"]) == len(lives) == len({e["id"] for e in named["b"]}), len(lives))
steps = collections.Counter()
spans = collections.defaultdict(list)
for span in named["X"]:
    args = span["args"]
    kind = span["name"].split()[0]
    of = "source" if "source" in args else "job" if "job" in args else "of"
    expect(span["name"].startswith(kind) and span["name"].endswith(" " + args[of]), span)
    steps[kind, args[of]] += args.get("items", 1) > 0
    for batch in ("batch", "group_batch"):
        if batch in args and args["items"] > 0:
            spans[kind, args[of], batch, args[batch]].append(span)
expect(all(len(same) == 1 for same in spans.values()), "twice")
for (batch, subject, number), (begin, end) in lives.items():
    for kind in ("read", "parse") if batch == "batch" else ("select", "render", "seal", "write"):
        expect(spans[kind, subject, batch, number], kind, subject, batch, number)
        for span in spans[kind, subject, batch, number]:
            expect(begin <= span["ts"] and span["ts"] + span["dur"] <= end + 0.001, span, begin, end)

# Batches in flight: never fewer than none, and none in the end.
counters = collections.defaultdict(list)
for event in sorted(named["C"], key=lambda e: e["ts"]):
    counters[event["name"]].append(event["args"]["value"])
depth = counters.pop("batches in flight")
counters.pop("workers", None)
expect(depth[-1] == 0 and all(0 <= value <= 1000 for value in depth) and len(depth) == 2 * len(lives) + 1, depth)

# What was there already: the counters end with what the spans tell.
told = collections.Counter()
for span in named["X"]:
    for name, value in span["args"].items():
        if name == "up_to_date" or name.startswith("from_"):
            told["outputs up to date" if name == "up_to_date" else "found in the cache"] += value
for name, values in counters.items():
    expect(values[0] == 0 and values[-1] == max(values) == told[name] > 0, name, values, told)
expect(set(told) == set(counters), told, set(counters))
if summary:
    expect(told["outputs up to date"] == summary["up_to_date"], told, summary["up_to_date"])

print("exit", run.returncode)
for (kind, subject), n in sorted(steps.items()):
    print("%-8s %-16s %d" % (kind, subject, n))
for name, n in sorted(told.items()):
    print("%s: %d" % (name, n))
print("lives   ", dict(sorted(collections.Counter("%s %s" % key[:2] for key in lives).items())))
