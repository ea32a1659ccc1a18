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
shutil.rmtree("out", ignore_errors=True)
run = subprocess.run(["pressrun", *sys.argv[2:], "-j", str(workers), "--json", "--trace", "t.json"],
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
    expect(event["name"] == "process_name" or 1 <= event["tid"] <= workers, event)
rows = {e["tid"]: e["args"]["name"] for e in named["M"] if e["name"] == "thread_name"}
expect(rows == {n: "worker %d" % n for n in range(1, workers + 1)}, rows)

# Spans of one row follow each other, and so clearly that rounding does not make them overlap.
ends = collections.defaultdict(int)
for span in sorted(named["X"], key=lambda e: (e["tid"], e["ts"], e["dur"])):
    begin = nanoseconds(span["ts"])
    expect(begin >= ends[span["tid"]], "overlap", span)
    ends[span["tid"]] = begin + nanoseconds(span["dur"]) + 2

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
    of = "source" if "source" in args else "job"
    expect(span["name"] == "%s %s" % (kind, args[of]), span)
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
depth = [e["args"]["value"] for e in sorted(named["C"], key=lambda e: e["ts"])]
expect(depth[-1] == 0 and all(0 <= value <= 1000 for value in depth) and len(depth) == 2 * len(lives) + 1, depth)

print("exit", run.returncode)
for (kind, subject), n in sorted(steps.items()):
    print("%-8s %-16s %d" % (kind, subject, n))
print("lives   ", dict(sorted(collections.Counter("%s %s" % key[:2] for key in lives).items())))
