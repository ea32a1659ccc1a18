#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random jobs under `auto` and the five strategies, against `minimal` on one worker: the same bytes, failures and exit code.

Several sources of many small batches, one of them a pipe that is slow; records that fail; jobs that gather, need each other, go through
filters, fail as a whole; any number of workers, fixed or not; with caches, dry, staged, once more, without memory. Some runs
are interrupted in the middle, and the next one has to make the rest. Nothing may hang.

PRESSRUN_STRATEGIES_SECONDS says for how long, PRESSRUN_SEED which case comes first; `strategies_test.py 17` does the 17th alone.
"""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import fault

SECONDS = float(os.environ.get("PRESSRUN_STRATEGIES_SECONDS") or 6)
CODES = {}
SEED = int(os.environ.get("PRESSRUN_SEED") or 1)
HANGS = 60
STRATEGIES = ("auto", "auto", "auto", "auto", "sequential", "parallel", "cache_heavy", "balanced")
WORKERS = ("1", "2", "3", "4", "5", "6", "7", "8", "2..4", "1..3", "..8", "1..2")
TEXTS = ["{{ id }}", "{{ name }}", "{% for i in range(id % 40) %}{{ name }}{{ i }},{% endfor %}", "{{ word * 3 }}",
         "{% if id % 97 == 13 %}{{ name.first.second }}{% endif %}", "{% for i in range(300) %}{% endfor %}x",
         "{{ kind|upper }}", "{{ site }}"]
GATHERED = ["{{ records|length }}", "{{ records|map(attribute='id')|join(',') }}", "{{ records|sum(attribute='id') }}",
            "{% for r in records %}{{ r.name }};{% endfor %}"]
FILTERS = (["cat"], ["tr", "a-z", "A-Z"], ["sh", "-c", "cat; sleep 0.01"],
           ["sh", "-c", "read x; echo \"$x\"; case $x in *3) exit 1;; esac"])


def lines_of(rng, n):
    bad = rng.choice((0, 0, 0.01, 0.2))
    for i in range(n):
        row = {"id": i, "name": "n%d" % (i % 50), "word": "w" * rng.randrange(20), "kind": "k%d" % (i * i % 7)}
        yield "{\"id\": %d, \"name\"\n" % i if rng.random() < bad else json.dumps(row) + "\n"


def add_job(rng, name, sources, earlier, files):
    kind = rng.choice(("record", "record", "group", "collect", "stream", "stream", "rows"))
    job = {"from": rng.choice(sources), "template": name + ".j2"}
    texts = GATHERED if kind in ("group", "collect") else TEXTS
    files[name + ".j2"] = "".join(rng.choice(texts) for _ in range(rng.randrange(1, 4)))
    job["to"] = {"record": name + "/{{ id }}.txt", "group": name + "/{{ group }}.txt", "collect": name + ".txt",
                 "stream": name + rng.choice((".txt", ".jsonl", ".txt.zst")), "rows": name + rng.choice((".sqlite", ".jsonl"))}[kind]
    if kind == "rows":
        files[name + ".j2"] = '{"id": {{ id }}, "t": "{{ name }}"}'
        job["raw"] = True
    elif kind == "group":
        job["group_by"] = "kind"
    elif kind == "collect":
        job["collect"] = True
    if kind in ("record", "stream") and rng.random() < 0.1:
        job["through"] = {"command": rng.choice(FILTERS)}
        job["where"] = "id < 60"
    elif rng.random() < 0.3:
        job["where"] = rng.choice(("id % 3 != 1", "kind == 'k1'", "id < 5", "id.x.y"))
    if earlier and rng.random() < 0.3:
        job["needs"] = rng.sample(earlier, rng.randrange(1, min(3, len(earlier)) + 1))
    if rng.random() < 0.1:
        job["on_error"] = rng.choice(("fail", "skip"))
    return job


class Trial:
    def __init__(self, rng):
        self.files, self.piped = {}, None
        sources, jobs = {}, {}
        for i in range(rng.randrange(1, 4)):
            name = "s%d" % i
            text = "".join(lines_of(rng, rng.choice((0, 1, 2, 30, 500, 2000, 4000))))
            if rng.random() < 0.06:
                text += "\0" * 10
            sources[name] = {"path": name + ".jsonl"}
            if rng.random() < 0.1 and self.piped is None:
                self.piped = text
                sources[name] = {"path": "-", "format": "jsonl"}
            else:
                self.files[name + ".jsonl"] = text
        for i in range(rng.randrange(1, 7)):
            jobs["j%d" % i] = add_job(rng, "j%d" % i, list(sources), list(jobs), self.files)
        manifest = {"sources": sources, "jobs": jobs, "globals": {"site": "here"}}
        if rng.random() < 0.08:
            manifest["workers"] = {"memory": "0.1%"}
        self.files["pressrun.yaml"] = json.dumps(manifest, indent=1)
        self.batch = rng.choice(([], [], ["--batch", "1"], ["--batch", "3"], ["--batch", "20"]))
        self.options = rng.choice(([], [], [], [], ["--max-failed", "3"]))


def feed(pipe, text):
    """Writes slowly, as long as anybody reads."""
    try:
        for at in range(0, len(text), 30000):
            time.sleep(0.02)
            pipe.write(text[at:at + 30000].encode())
            pipe.flush()
    except OSError:
        pass
    finally:
        try:
            pipe.close()
        except OSError:
            pass


def run(runner, trial, root, out, arguments, interrupt=None, **more):
    """(exit code, the object or None, what it said)"""
    runner.runs += 1
    piped = trial.piped is not None
    child = subprocess.Popen([runner.pressrun, "run", "-q", "--json", "-o", out, *trial.batch, *trial.options, *arguments],
                             cwd=root, env=runner.environment(PRESSRUN_HISTORY="none", **more),
                             stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                             stdout=open(root / "told", "wb"), stderr=open(root / "said", "wb"))
    feeder = threading.Thread(target=feed, args=(child.stdin, trial.piped)) if piped else None
    if feeder:
        feeder.start()
    try:
        if interrupt is not None:
            time.sleep(interrupt)
            child.send_signal(signal.SIGINT)
        child.wait(timeout=HANGS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return -9, None, "hung for %d seconds" % HANGS
    finally:
        if feeder:
            feeder.join()
    last = (root / "told").read_text().strip().split("\n")[-1]
    return child.returncode, json.loads(last) if last.startswith("{") else None, (root / "said").read_text(errors="replace")


def rows_of(path):
    """Of a database what it holds: its pages tell how often it was changed."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def outputs(root, out):
    return {path: rows_of(root / out / path) if path.endswith(".sqlite") else what[1]
            for path, what in fault.tree(root / out).items() if what[0] == "file" and not path.startswith(".pressrun/")}


def damaged(code, said):
    if "Sanitizer" in said or "runtime error:" in said or code in (fault.SANITIZER, -9) or code < 0:
        return "exit %d: %s" % (code, said[:2500])
    return ""


def differences(code, report, wanted_code, wanted, exact):
    wrong = []
    if code != wanted_code:
        wrong.append("exit %d, not %d" % (code, wanted_code))
    for key in ("digest", "failed", "loaded", "excluded", "jobs_done", "jobs_failed", "jobs_skipped") if exact else ():
        if (report or {}).get(key) != (wanted or {}).get(key):
            wrong.append("%s %s, not %s" % (key, (report or {}).get(key), (wanted or {}).get(key)))
    return wrong


def compare(runner, rng, trial, root):
    """What is wrong with a strategy's run, as texts."""
    code, wanted, said = run(runner, trial, root, "one", ["--strategy", "minimal", "-j", "1"])
    CODES[code] = CODES.get(code, 0) + 1
    if damaged(code, said):
        return ["minimal: " + damaged(code, said)]
    # Which failures come before the one that stops a run depends on who is first.
    stops = bool(trial.options) or "on_error" in trial.files["pressrun.yaml"] or code == 2
    exact = not stops
    made = outputs(root, "one")
    how = ["--strategy", rng.choice(STRATEGIES), "-j", rng.choice(WORKERS)]
    cache = {"PRESSRUN_CACHE": "local", "PRESSRUN_CACHE_DIR": str(root / "cache")} if rng.random() < 0.3 else {}
    if rng.random() < 0.1:
        how += ["--partition", rng.choice(("static", "round_robin", "longest_first", "least_loaded"))]
    before = rng.choice(("", "", "", "", "interrupt", "dry", "stage"))
    if before == "interrupt":
        first, _, said = run(runner, trial, root, "two", how, interrupt=rng.random() ** 2 * 0.6, **cache)
        if first != -signal.SIGINT and damaged(first, said): # it may be over before it has begun
            return [" ".join(how) + ", interrupted: " + damaged(first, said)]
    elif before:
        first, _, said = run(runner, trial, root, "two", how + [{"dry": "--dry-run", "stage": "--stage"}[before]], **cache)
        if damaged(first, said):
            return [" ".join(how) + ", " + before + ": " + damaged(first, said)]
        if before == "dry" and outputs(root, "two"):
            return ["a dry run wrote"]
    wrong = []
    for again in ([], ["--force"]) if cache else ([],):
        force = ["--force"] if before == "interrupt" else again
        if before == "stage":
            shutil.rmtree(root / "two", ignore_errors=True)
        code_now, report, said = run(runner, trial, root, "two", how + force, **cache)
        wrong = [damaged(code_now, said)] if damaged(code_now, said) else differences(code_now, report, code, wanted, exact)
        if not wrong and exact and outputs(root, "two") != made:
            wrong = ["other outputs: " + ", ".join(
                sorted(p for p in set(made) | set(outputs(root, "two")) if made.get(p) != outputs(root, "two").get(p))[:5])]
        if wrong:
            what = " ".join(([before] if before else []) + how + force + trial.batch + trial.options)
            return ["%s: %s\n%s" % (what, "; ".join(wrong), said[:600])]
    return wrong


def attempt(runner, seed, keep):
    rng = random.Random(seed)
    trial = Trial(rng)
    root = pathlib.Path(tempfile.mkdtemp(prefix="pressrun-strategies-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    try:
        for name, text in trial.files.items():
            (root / name).write_text(text)
        wrong = compare(runner, rng, trial, root)
        runner.find("case %d" % seed, *wrong)
        if wrong and keep:
            print("kept:", root)
    finally:
        if not (keep and runner.findings):
            shutil.rmtree(root, ignore_errors=True)


def main():
    runner = fault.Runner(__doc__)
    if runner.only:
        for seed in runner.only:
            attempt(runner, int(seed), True)
        return runner.finish()
    end, seed = time.monotonic() + SECONDS, SEED
    while time.monotonic() < end:
        attempt(runner, seed, False)
        seed += 1
    return runner.finish(", cases %d to %d; exit codes %s" % (SEED, seed - 1, sorted(CODES.items())))


if __name__ == "__main__":
    sys.exit(main())
