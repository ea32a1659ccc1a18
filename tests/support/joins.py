#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""joins.py PRESSRUN: sources of random formats and keys are joined, by one worker or several, in memory or beyond it, and
what comes out is held against lists made here. PRESSRUN_JOINS (4) times, from the seeds 0 on."""
import csv
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile

import support

TEMPLATE = """{{ id }}:{% for a in all %} {{ a.n }}{% for b in a.inner %}/{{ b.n }}{% endfor %}{% endfor %}|{{ one.n if one else "-" }}
"""
MANIFEST = """name: random
sources:
  left:
    path: %s
    join: { all: { from: right, on: k, key: k }, one: { from: right, on: k, key: other, one: true } }
  right: { path: %s, join: { inner: { from: inner, on: of, key: n } } }
  inner: { path: %s }
jobs: { texts: { from: left, template: t.j2, to: t.txt, separator: "\\n" } }
%s
"""


def random_key(rng, kinds):
    n = rng.randrange(-3, 12)
    return {"integer": n, "float": float(n), "text": str(n), "word": "k%d" % n, "none": None, "empty": "",
            "letters": "ü%d" % (n % 3), "long": "a key of %020d" % n}[rng.choice(kinds)]


def compared(key):
    return None if key in (None, "") else str(int(key) if isinstance(key, float) else key)


def write(name, kind, rows):
    path = "%s.%s" % (name, kind)
    if kind == "jsonl":
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    elif kind == "csv":
        with open(path, "w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(rows[0])
            for row in rows:
                out.writerow("" if v is None else int(v) if isinstance(v, float) else v for v in row.values())
    else:
        database = sqlite3.connect(path)
        database.execute("create table t (%s)" % ", ".join('"%s"' % column for column in rows[0]))
        database.executemany("insert into t values (%s)" % ", ".join("?" * len(rows[0])),
                             [tuple(row.values()) for row in rows])
        database.commit()
        database.close()
    return path


def expected(left, right, inner):
    lines = []
    for record in left:
        key, other = compared(record["k"]), compared(record["other"])
        everything = [r for r in right if key is not None and compared(r["k"]) == key]
        one = [r for r in right if other is not None and compared(r["k"]) == other]
        text = "".join(" %d" % r["n"] + "".join("/%d" % i["n"] for i in inner if i["of"] == r["n"]) for r in everything)
        lines.append("%d:%s|%s" % (record["id"], text, one[0]["n"] if one else "-"))
    return lines


def check(pressrun, seed):
    rng = random.Random(seed)
    kinds = [rng.choice(["integer", "float", "text"]), rng.choice(["word", "none", "letters"]),
             rng.choice(["integer", "text", "empty", "long"])]
    left = [{"id": i, "k": random_key(rng, kinds), "other": random_key(rng, kinds)} for i in range(rng.randrange(1, 60))]
    right = [{"n": i, "k": random_key(rng, kinds), "pad": "p" * rng.randrange(30)} for i in range(rng.randrange(1, 300))]
    inner = [{"n": i, "of": rng.randrange(-1, len(right) + 2)} for i in range(rng.randrange(1, 200))]
    paths = tuple(write(name, rng.choice(["jsonl", "csv", "db"]), rows)
                  for name, rows in (("left", left), ("right", right), ("inner", inner)))
    with open("t.j2", "w", encoding="utf-8") as file:
        file.write(TEMPLATE)
    for limit in ("", "limits: { join_bytes: 1 }", "limits: { join_bytes: 6000 }"):
        with open("pressrun.yaml", "w", encoding="utf-8") as file:
            file.write(MANIFEST % (*paths, limit))
        workers = rng.choice("123")
        run = subprocess.run([pressrun, "run", "-q", "--force", "-j", workers, "--batch", rng.choice("189")],
                             capture_output=True, text=True, timeout=support.TIMEOUT,
                             env=support.environment(PRESSRUN_HISTORY="none"))
        with open("out/t.txt", encoding="utf-8") as file:
            got = file.read().splitlines()
        if run.returncode or [line for line in got if line] != expected(left, right, inner):
            return "seed %d, %s, %s workers, %s: exit %d\n%s" % (seed, limit, workers, paths, run.returncode, run.stderr)
    return ""


def main():
    pressrun = os.path.abspath(sys.argv[1])
    for seed in range(int(os.environ.get("PRESSRUN_JOINS") or 4)):
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            wrong = check(pressrun, seed)
            os.chdir("/")
        if wrong:
            print(wrong)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
