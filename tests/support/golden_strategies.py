#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""golden_strategies.py --pressrun FILE --scenario-files FILE [examples|scenarios|pipeline]: the same bytes from each strategy.

Every example, every kind of scenario of `pressrun bench` at a small scale, and a pipeline of everything that can be in one (filters,
groups, a compressed stream, a table, a query, failures and a fallback) is run under each strategy: cold, and in a new
directory with what another strategy has kept. Digest, exit code, the failures that are told and the files must be those of
one worker without a cache and without a strategy, and `verify` must find them.

A strategy that does not do what it says would pass that, too; so it is checked that minimal and parallel look nothing up,
and that cache_heavy finds what it kept.
"""
import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

import support

STRATEGIES = ("cache_heavy", "minimal", "sequential", "parallel", "balanced")  # the first fills the cache of the others
WITHOUT = ("minimal", "parallel")
LOOKED_UP = ("render", "through", "source", "schema", "types", "relations")
NEEDED = {"iso-codes": "/usr/share/iso-codes/json", "unicode-data": "/usr/share/unicode/UnicodeData.txt",
          "licences": "/usr/share/common-licenses"}
SCALE = 0.002
ALIKE = ("medium", "large", "medium_db", "large_db")  # at this scale, what small and small_db are

PIPELINE = {
    "pressrun.yaml": r"""
name: everything
templates: [.]
sources:
  people: { path: people.jsonl, key: id }
  towns: { path: towns.db, query: "select town, count(*) as n from people group by town order by n desc, town" }
strategy: minimal
on_error: skip
jobs:
  cards: { from: people, template: card.j2, to: "cards/{{ id % 10 }}/{{ id }}.txt" }
  loud: { from: people, where: id % 3 == 0, template: card.j2, to: "loud/{{ id }}.txt", through: { command: [tr, a-z, A-Z] } }
  same: { from: people, where: id is divisibleby 4, template: town.j2, to: same.jsonl, through: { command: [rev] } }
  broken: { from: people, where: id > 80, template: card.j2, to: "broken/{{ id }}.txt",
            through: { command: [grep, -v, "7"] } }
  packed: { from: people, template: card.j2, to: packed.jsonl.zst }
  rows: { from: people, template: row.json.j2, to: people.sqlite, raw: true, unique: [id] }
  patched: { from: people, template: divided.j2, to: patched.txt, on_error: { fallback: "none\n" } }
  wrong: { from: people, template: divided.j2, to: "wrong/{{ id }}.txt" }
  by-town: { from: people, group_by: town, template: group.j2, to: "towns/{{ group }}.md", needs: [cards] }
  all: { from: people, collect: true, template: all.j2, to: all.txt, through: { command: [sort] } }
  counted: { from: towns, template: count.j2, to: counted.txt }
  slow: { from: people, where: id <= 30, template: slow.j2, to: "slow/{{ id }}.txt" }
output: out
""",
    "card.j2": "{{ id }}: {{ name }} of {{ town }}\n",
    "town.j2": "somebody of {{ town }}\n",
    "row.json.j2": '{"id": {{ id }}, "name": {{ name|tojson }}}',
    "divided.j2": "{{ 100 // (id % 5) }}\n",
    "group.j2": "# {{ group }}\n{% for r in records %}- {{ r.name }}\n{% endfor %}",
    "all.j2": "{% for r in records %}{{ r.name }} {{ r.id }}\n{% endfor %}",
    "count.j2": "{{ town }} {{ n }}\n",
    "slow.j2": "{% set ns = namespace(n=0) %}{% for i in range(20000) %}{% set ns.n = (ns.n + i * id) % 9973 %}{% endfor %}"
               "{{ town }} {{ ns.n }}\n",
}
TOWNS = ("Lyon", "Graz", "Porto", "Lima", "Cork")


def make_pipeline(folder):
    for name, text in PIPELINE.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    people = [{"id": i, "name": "n%d" % (i * 7919 % 1000), "town": TOWNS[i * i % 5], "note": "x" * 6000} for i in range(1, 101)]
    lines = [json.dumps(person) for person in people]
    lines.insert(50, '{"id": 51, "name":')  # a record that is none
    with open(os.path.join(folder, "people.jsonl"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    database = sqlite3.connect(os.path.join(folder, "towns.db"))
    database.execute("create table people (town text)")
    database.executemany("insert into people values (?)", [(person["town"],) for person in people])
    database.commit()
    database.close()


class Run:
    def __init__(self, pressrun, folder, out, cache, *more):
        environment = support.environment(PRESSRUN_HISTORY="none")
        if cache:
            environment.pop("PRESSRUN_CACHE")
            environment["PRESSRUN_CACHE_DIR"] = cache
        done = subprocess.run([pressrun, "run", "--json", "-C", folder, "-o", out, *more], env=environment,
                              capture_output=True, text=True, timeout=support.TIMEOUT)
        assert done.stdout, (folder, more, done.stderr)
        report = json.loads(done.stdout.splitlines()[-1])
        self.strategy, self.cache = report["strategy"], report["cache"]
        self.says = {key: report[key] for key in ("digest", "loaded", "excluded", "written", "failed", "jobs_done", "jobs_failed")}
        self.says["exit"] = done.returncode
        self.out = out

    def hits(self):
        return sum(self.cache.get(category, {}).get("hits", 0) for category in LOOKED_UP)

    def asked(self):
        return self.hits() + sum(self.cache.get(c, {}).get("misses", 0) for c in LOOKED_UP)


def failures(out):
    path = os.path.join(out, ".pressrun", "errors.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return sorted(file.read().splitlines())  # jobs over different sources fail independently of each other


def tree(out):
    """All files; of databases their rows."""
    found = {}
    for folder, folders, names in os.walk(out):
        if ".pressrun" in folders:
            folders.remove(".pressrun")
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".sqlite"):
                database = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
                found[os.path.relpath(path, out)] = "\n".join(database.iterdump())
                database.close()
                continue
            with open(path, "rb") as file:
                found[os.path.relpath(path, out)] = file.read()
    return found


def verify(pressrun, folder, run):
    done = subprocess.run([pressrun, "verify", "-C", folder, "-o", run.out, "--json"], env=support.environment(),
                          capture_output=True, text=True, timeout=support.TIMEOUT)
    found = json.loads(done.stdout)
    assert found["digest"] == found["expected"], (folder, run.strategy, done.stdout)
    assert not found["missing"] and not found["edited"], (folder, run.strategy, done.stdout)
    if not any(name.endswith(".sqlite") for name in os.listdir(run.out)):  # rows of a table do not keep their texts
        assert (found["answer"], found["digest"]) == ("equal", run.says["digest"]), (folder, run.strategy, done.stdout)


def check(pressrun, folder, scratch, small):
    """One set of inputs under each strategy."""
    jobs = iter(range(1000))

    def new(name):
        return os.path.join(scratch, "%s-%d" % (name, next(jobs)))

    reference = Run(pressrun, folder, new("out"), None, "-j", "1", "--strategy", "sequential")
    files, told = tree(reference.out) if small else {}, failures(reference.out)
    shared = new("cache")

    def hold(strategy, cache, what, verified):
        run = Run(pressrun, folder, new("out"), cache, "--strategy", strategy)
        assert run.strategy == strategy, (run.strategy, strategy)
        assert run.says == reference.says, (folder, strategy, what, run.says, reference.says)
        assert failures(run.out) == told, (folder, strategy, what, "other failures")
        made = tree(run.out) if small else {}
        differing = sorted(path for path in files.keys() | made.keys() if files.get(path) != made.get(path))
        assert not differing, (folder, strategy, what, differing[:10])
        if verified:
            verify(pressrun, folder, run)
        if strategy in WITHOUT:
            assert run.asked() == 0, (folder, strategy, run.cache)
        return run

    verify(pressrun, folder, reference)
    for strategy in STRATEGIES:
        own = shared if strategy == STRATEGIES[0] else new("cache")
        hold(strategy, own, "cold", small)
        assert strategy not in WITHOUT or not os.path.exists(own), (folder, strategy, "keeps something")
    for strategy in STRATEGIES:
        warm = hold(strategy, shared, "warm", True)
        assert strategy != "cache_heavy" or not small or warm.hits() > 0, (folder, warm.cache)


def inputs(arguments, scratch):
    """(name, folder, whether it is so small that every file can be looked at each time; `verify` looks at all of them)"""
    wanted = arguments.what or ["examples", "scenarios", "pipeline"]
    if "pipeline" in wanted:
        folder = os.path.join(scratch, "pipeline")
        os.mkdir(folder)
        make_pipeline(folder)
        yield "pipeline", folder, True
    if "scenarios" in wanted:
        names = subprocess.run([arguments.scenario_files], capture_output=True, text=True, check=True).stdout.split()
        for name in names:
            if name in ALIKE:
                continue
            folder = os.path.join(scratch, name)
            subprocess.run([arguments.scenario_files, name, str(SCALE), folder], check=True)
            yield name, folder, True
    if "examples" in wanted:
        root = os.path.join(support.ROOT, "examples")
        for name in sorted(os.listdir(root)):
            if os.path.exists(NEEDED.get(name, "/")):
                yield name, os.path.join(root, name), False
            else:
                print("left out: %s needs %s" % (name, NEEDED[name]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pressrun", default=support.default_pressrun())
    parser.add_argument("--scenario-files", required=True)
    parser.add_argument("what", nargs="*")
    arguments = parser.parse_args()
    checked = 0
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        for name, folder, small in inputs(arguments, scratch):
            with tempfile.TemporaryDirectory(dir=scratch) as own:
                check(os.path.abspath(arguments.pressrun), folder, own, small)
            checked += 1
    print("%d inputs, the same under %d strategies" % (checked, len(STRATEGIES)))
    return 0 if checked else 77


if __name__ == "__main__":
    sys.exit(main())
