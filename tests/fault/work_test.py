#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counters of work: the same from any number of workers and every time; others when the work is another.

The cases are what could make them drift: batches that end anywhere, failures and what is done to explain them, limits
reached, data that a template changes, records with more sets of keys than are shared, work given up and begun again.
"""
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys

import fault
import support

WORKERS = (1, 2, 4)
TIMES = 10 if fault.ALL else 2
TIMES_LONG = 10 if fault.ALL else 2  # what takes a second each
# Metrics that the table says are of work, and what --json calls them.
WORK = {name: key for name, key in re.findall(r'^METRIC\(\w+, "([\w.]+)", (?:"(\w+)"|NULL), "[^"]*", KIND_WORK,',
                                              (pathlib.Path(support.ROOT) / "monitor" / "metrics.def").read_text(), re.M)}
# What else depends on nothing else where the output directory is empty.
FROM_NOTHING = ("written", "unchanged", "bytes_written", "jobs_done", "jobs_failed", "jobs_skipped", "digest")


def records(n, more=lambda i: {}):
    return "".join(json.dumps({"id": i, "kind": "k%d" % (i * 7 % 13), "name": "näme %d" % i, "tags": ["a", "b%d" % i] * (i % 3),
                               "inner": {"x": i, "y": {"z": i * 1.5, "unread": [{"u": 1}, {"v": 2}]}},
                               "unread": {"deep": ["x" * (i % 300)] * 3}, **more(i)}, ensure_ascii=i % 2 == 0) + "\n"
                   for i in range(n))


def counters(runner, what, one, workers, *arguments):
    """Of one run."""
    done = runner.run(one, *arguments, command=("run", "-q", "--json", "-j", str(workers)))
    runner.find(what, fault.crashed(done))
    try:
        told = fault.last_line(done)
    except (ValueError, IndexError):
        raise SystemExit("%s: %s" % (what, done.stderr.decode()))
    return {name: told[name] for name in (*WORK.values(), *FROM_NOTHING)}


def expect_same(runner, what, files, *arguments, before=lambda one: None, fails=0, times=TIMES):
    """Runs a case in all ways; its counters."""
    first = None
    for workers in WORKERS:
        for time in range(times):
            with fault.case(files) as one:
                before(one)
                now = counters(runner, what, one, workers, *arguments)
            first = first or now
            differ = ["%s %s, and then %s" % (name, first[name], now[name]) for name in first if first[name] != now[name]]
            if not runner.find("%s, -j %d, time %d" % (what, workers, time), ", ".join(differ)):
                return first
    runner.find(what, "" if first["failed"] == fails else "%d failed, not %d" % (first["failed"], fails),
                *["%s is 0" % name for name in ("opcodes", "fields_parsed", "loaded") if not first[name]])
    return first


# What is counted
# -----------------------------------------------------------------------------------------------------


def table(runner):
    """Every metric of work is in --json, by the table's key."""
    runner.find("metrics.def", "" if len(WORK) > 9 else "few metrics", *["%s has no key" % name for name in WORK if not WORK[name]])


ONE = {"pressrun.yaml": "sources: { r: r.jsonl }\njobs: { j: { from: r, template: t.j2, to: all.txt } }\n",
       "t.j2": "{% for t in tags %}{{ t }}{% endfor %}{{ inner.x }}\n"}


def change(runner):
    """More of something is more in its counter, by as much as it should be, and in no other that it does not touch."""
    def run(files):
        with fault.case(ONE | files) as one:
            return counters(runner, "change", one, 1)

    def expect(what, files, **more):
        now = run(files)
        for name in WORK.values():
            by = now[name] - base[name]
            wanted = more.get(name, 0)
            runner.find(what, "" if (wanted(by) if callable(wanted) else by == wanted) else "%s changed by %d" % (name, by))
    record = {"id": 1, "tags": ["a", "b"], "inner": {"x": 1, "u": 2}}
    def text(**changes):
        return {"r.jsonl": json.dumps(record | changes) + "\n"}
    ONE.update(text())
    base = run({})
    some = lambda by: by > 0  # noqa: E731
    runner.find("change", "" if (base["fields_parsed"], base["fields_skipped"], base["loaded"]) == (3, 2, 1) else str(base))
    expect("nothing", {})
    expect("one more round", text(tags=["a", "b", "c"]), opcodes=some, output_bytes=1, source_bytes=5,
           allocated_bytes=some)
    expect("one more unread field", text(more={"with": {"fields": 1}}), fields_skipped=1, source_bytes=some)
    expect("one more unread field inside", text(inner={"x": 1, "u": 2, "v": 3}), fields_skipped=1, source_bytes=some)
    expect("one more field read", {"t.j2": ONE["t.j2"] + "{{ id }}"}, fields_parsed=1, fields_skipped=-1,
           opcodes=some, output_bytes=some, allocated_bytes=some)
    expect("a list is made", {"t.j2": "{% set x = [1, 2, id] %}" + ONE["t.j2"]}, fields_parsed=1, fields_skipped=-1,
           opcodes=some, allocations=some, allocated_bytes=some)
    expect("one more template", {"t.j2": "{% include 'u.j2' %}", "u.j2": ONE["t.j2"]}, templates=1, opcodes=some,
           allocations=lambda by: True, allocated_bytes=lambda by: True)
    expect("a record that is none", {"r.jsonl": ONE["r.jsonl"] + '{"id": 1, "tags": [], "inner": {"x": 1}, ]'}, failed=1,
           loaded=1, source_bytes=some, allocations=some, allocated_bytes=some)  # whose fields do not count
    expect("a record of little", {"r.jsonl": ONE["r.jsonl"] + '{"inner": {}}\n', "pressrun.yaml": ONE["pressrun.yaml"] +
                                   "undefined: default\n"}, loaded=1, source_bytes=some, fields_parsed=1,
           opcodes=some, rendered=1, allocations=some, allocated_bytes=some)


def formats(runner):
    """What a field is, format by format."""
    jobs = "jobs: { j: { from: s, template: t.j2, to: all.txt } }\n"
    cases = {
        "csv": ({"s.csv": "a,b,c\n1,2,3\n4,5,6\n"}, "{ path: s.csv }", "{{ b }}", (2, 4)),
        "a bad line of csv": ({"s.csv": "a,b,c\n1,2\n4,5,6\n"}, "{ path: s.csv }", "{{ b }}", (1, 2)),
        "json in csv": ({"s.csv": 'a\tb\n1\t{"x": 1, "y": {"z": 1}}\n'},
                        "{ path: s.csv, delimiter: \"\\t\", types: { b: json } }", "{{ b.x }}", (2, 2)),
        "json": ({"s.json": '{"in": [{"a": 1, "b": [{"c": 1, "d": 2}]}, {"a": 2}]}'},
                 "{ path: s.json, pointer: /in }", "{% for x in b %}{{ x.c }}{% endfor %}", (2, 3)),
        "files": ({"n/a.md": "---\nt: 1\nu: {v: 2, w: [{x: 1}]}\n---\ntext", "n/b.md": '{"t": 1}\ntext', "n/c.md": "text"},
                  "{ files: 'n/*.md' }", "{{ name }}", (3 * 8 + 5 + 1, 0)),
    }
    for name, (files, source, template, wanted) in cases.items():
        with fault.case({"pressrun.yaml": "sources: { s: %s }\nundefined: default\n%s" % (source, jobs), "t.j2": template,
                         **files}) as one:
            now = counters(runner, name, one, 1)
        got = (now["fields_parsed"], now["fields_skipped"])
        runner.find(name, "" if got == wanted else "fields parsed and skipped: %s, not %s" % (got, wanted))
    with fault.case({"pressrun.yaml": "sources: { s: { path: s.db } }\n" + jobs, "t.j2": "{{ b }}"}) as one:
        database(one, "CREATE TABLE t(a, b, c)", "INSERT INTO t VALUES(?, ?, ?)", [(1, "x", None), (2, "y", "z")])
        now = counters(runner, "sqlite", one, 1)
        runner.find("sqlite", "" if (now["fields_parsed"], now["fields_skipped"]) == (2, 4) else str(now))


# The same from any number of workers
# -----------------------------------------------------------------------------------------------------


def database(one, create, insert, rows):
    with sqlite3.connect(one.path / "s.db") as db:
        db.execute(create)
        db.executemany(insert, rows)
    db.close()


def examples(runner):
    root = pathlib.Path(support.ROOT) / "examples"
    for example in sorted(root.iterdir()):
        files = {str(f.relative_to(example)): f.read_bytes() for f in example.rglob("*") if f.is_file() and "out" not in f.parts}
        with fault.case(files) as one:
            done = runner.run(one)
        if done.returncode:  # its data are not installed
            runner.notes.append("skipped: the example %s: %s" % (example.name, done.stderr.decode().split("\n")[0]))
        else:
            expect_same(runner, example.name, files, times=TIMES_LONG)


MANIFEST = """
sources:
  r: { path: r.jsonl, key: "name[:9]" }
  c: { path: c.csv, types: { n: integer, more: json } }
  wide: { path: wide.csv }
  s: { path: s.db }
  notes: { files: "n/*.md" }
globals: { big: [1, 2, 3] }
filters: { shout: lib.j2:shout }
undefined: default
limits: { memory_bytes: 1MiB }
jobs:
  each: { from: r, template: each.j2, to: "each/{{ id % 50 }}/{{ name }}.txt", where: "id % 9 != 4 and kind|shout" }
  stream: { from: r, template: each.j2, to: all.txt.zst, undefined: strict }
  lines: { from: r, template: lines.j2, to: lines.jsonl, raw: true }
  group: { from: r, template: group.j2, to: "g/{{ group }}.txt", group_by: kind }
  collect: { from: r, template: group.j2, to: collect.txt, collect: true }
  rows: { from: c, template: row.j2, to: rows.sqlite, raw: true, unique: id }
  wide: { from: wide, template: wide.j2, to: wide.txt }
  base: { from: s, template: base.j2, to: base.txt }
  notes: { from: notes, template: note.j2, to: notes.txt }
"""
TEMPLATES = {
    "lib.j2": "{% macro shout(x) %}{{ x|upper }}!{% endmacro %}",
    "each.j2": "{% from 'lib.j2' import shout %}{{ shout(name) }}{% for t in tags %}{{ loop.index }}{{ t|shout }}{% endfor %}"
               "{% include 'p' ~ id % 3 ~ '.j2' ignore missing %}{% if id % 5 == 0 %}{{ tags.append('x') or tags|length }}"
               "{% endif %}{{ inner.y.z }}{{ (name ~ ' ')|replace('n', 'mm') * (id % 40) }}",
    "p0.j2": "{{ inner }}", "p1.j2": "{% set n = namespace(x=[]) %}{% for i in range(9) %}{% set n.x = n.x + [i] %}{% endfor %}"
             "{{ n.x }}",
    "lines.j2": '{"id": {{ id }}, "name": {{ name|tojson }}}',
    "group.j2": "{{ records|length }}{% for r in records|sort(attribute='name')|batch(7) %}{{ r|map(attribute='id')|join('+') }}"
                "{% endfor %}{{ records|groupby('kind')|length }}",
    "row.j2": '{"id": {{ n }}, "x": {{ more.x|tojson }}}',
    "wide.j2": "{{ c0 }}{{ c199 }}{{ c7|length }}", "base.j2": "{{ a }}{{ c150 }}", "note.j2": "{{ stem }}{{ meta }}{{ content|length }}",
}


def everything():
    files = {"pressrun.yaml": MANIFEST, "r.jsonl": records(1500), **TEMPLATES}
    files["c.csv"] = "n,x,more\n" + "".join('%d,"a ""b"" %d","{""x"": [%d, {""y"": %d}]}"\n' % (i, i, i, i) for i in range(5000))
    files["wide.csv"] = ",".join("c%d" % i for i in range(200)) + "\n" + "".join(
        ",".join("v%d" % (i * k) for i in range(200)) + "\n" for k in range(700))
    for i in range(150):
        front = ["---\ntitle: &t n%d\nother: [*t, {a: *t}]\n---\n", '{"title": "n%d", "b": {"c": 1}}\n', ""][i % 3]
        files["n/%03d.md" % i] = (front % i if front else "") + "text " * i
    return files


def fill_database(one):
    names = ["a"] + ["c%d" % i for i in range(1, 160)]
    database(one, "CREATE TABLE t(%s)" % ", ".join(names), "INSERT INTO t VALUES(%s)" % ", ".join("?" * 160),
             [["ä" * (k % 50)] + [k * i for i in range(1, 160)] for k in range(900)])


def all_kinds(runner):
    """Every kind of source, sink and job."""
    expect_same(runner, "all kinds", everything(), before=fill_database)


def failures(runner):
    """Bad records, and templates that fail in every way; what explains a failure reads its record again."""
    lines = records(1200).splitlines()
    for i in range(0, 1200, 17):
        lines[i] = ['{"id": 1, "kind": {"a": 1', "[1]", lines[i].replace('"kind"', '"kinds"'), "nonsense",
                    lines[i].replace('"id"', '"ident"'), '{"id": "\\ud800", "name": "x"}', "{}"][i // 17 % 7]
    template = ("{% set ns = namespace(t='') %}{% if id % 11 == 3 %}{{ id.nothing.at_all }}{% elif id % 11 == 5 %}{{ unreal }}"
                "{% elif id % 11 == 7 %}{% for i in range(100000) %}{% for k in range(100000) %}{% endfor %}{% endfor %}"
                "{% elif id % 11 == 9 %}{{ 'x' * 2000000 }}{% elif id % 11 == 8 %}{% for i in range(200) %}"
                "{% set ns.t = ns.t ~ name %}{% endfor %}{% elif id % 13 == 2 %}{% include 'broken.j2' %}"
                "{% else %}{{ kind }}{% endif %}{{ inner.x // (id % 10) }}")
    manifest = ("sources: { r: { path: r.jsonl, key: id } }\nlimits: { steps: 20000, memory_bytes: 40KiB }\njobs:\n"
                "  a: { from: r, template: t.j2, to: 'a/{{ id }}.txt', where: 'id % 10 != 9' }\n"
                "  b: { from: r, template: t.j2, to: b.txt, on_error: { fallback: '-' } }\n"
                "  c: { from: r, template: g.j2, to: 'c/{{ group }}.txt', group_by: kind }\n"
                "  d: { from: r, template: t.j2, to: 'd/{{ kind[1:] }}/{{ missing.part }}' }\n")
    files = {"pressrun.yaml": manifest, "r.jsonl": "\n".join(lines), "t.j2": template, "broken.j2": "{{ [] + 1 }}",
             "g.j2": "{% for r in records %}{{ r.names }}{% endfor %}"}
    with fault.case(files) as one:
        failed = counters(runner, "failures", one, 1)["failed"]
    now = expect_same(runner, "failures", files, fails=failed)
    runner.find("failures", "" if failed > 500 and now["rendered"] > 100 else str(now))
    again = dict(files, **{"t.j2": template.replace("unreal", "kind").replace("100000", "10")})

    def first_run(one):
        runner.run(one, command=("run", "-q", "-j", "2"))
        for name, text in again.items():
            one.write(name, text)
    with fault.case(files) as one:
        first_run(one)
        failed = counters(runner, "retried", one, 1, "--only-failed")["failed"]
    expect_same(runner, "retried", files, "--only-failed", before=first_run, fails=failed)


def near_limits(runner):
    """Memory: which records are within the limit must not depend on what the worker did before."""
    manifest = ("sources: { r: r.jsonl }\nlimits: { memory_bytes: 64KiB }\njobs: { j: { from: r, template: t.j2, to: out.txt } }\n")
    template = ("{% set ns = namespace(l=[]) %}{% for i in range(id % 700) %}{% set ns.l = ns.l + [] %}{{ (name ~ i)|upper }}"
                "{% endfor %}{{ (name * (id * 37 % 1500))|wordwrap(7)|length }}{{ ('a@b.de ' * (id % 200))|urlize|length }}")
    files = {"pressrun.yaml": manifest, "t.j2": template, "r.jsonl": records(1500)}
    with fault.case(files) as one:
        failed = counters(runner, "near limits", one, 1)["failed"]
    runner.find("near limits", "" if 200 < failed < 1300 else "%d failed" % failed)
    expect_same(runner, "near limits", files, fails=failed)


def many_keys(runner):
    """More sets of keys than are shared, so that it depends on time whose are."""
    lines = records(6000, lambda i: {"k%d" % (i * 31 % 5003): {"v%d" % i: 1, "w": {"q%d" % (i % 97): 2}}})
    files = dict(ONE, **{"r.jsonl": lines, "t.j2": "{{ name }}{{ inner }}{{ tags|length }}{% for r in [inner, inner] %}{{ r }}{% endfor %}"
                         "{% if id % 3 == 0 %}{{ tags.append(1) or '' }}{% endif %}"})
    expect_same(runner, "many keys", files)
    files["pressrun.yaml"] = files["pressrun.yaml"].replace("all.txt", "all.txt, collect: true")
    files["t.j2"] = "{% for r in records %}{{ r|length }}{{ r|tojson|length }}{% for k in r %}{{ k }}{% endfor %}{% endfor %}"
    expect_same(runner, "many keys, all of them read", files)


def pipe(runner):
    """Where batches end depends on how the bytes come."""
    lines = records(3000).encode()
    first = None
    for workers in WORKERS:
        for size in (1 << 20, 40000, 7001):
            files = dict(ONE, **{"pressrun.yaml": ONE["pressrun.yaml"].replace("r.jsonl", "{ path: '-', format: jsonl }")})
            writer = "import sys\nd = open('lines', 'rb').read()\nfor i in range(0, len(d), %d): sys.stdout.buffer.write(d[i:i + %d])" \
                     "; sys.stdout.flush()\n" % (size, size)
            with fault.case(dict(files, lines=lines)) as one:
                with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE, cwd=one.path) as source:
                    done = runner.run(one, command=("run", "-q", "--json", "-j", str(workers)), stdin=source.stdout)
                    source.stdout.close()
            told = fault.last_line(done)
            now = {name: told[name] for name in WORK.values()}
            first = first or now
            runner.find("a pipe of %d bytes at a time, -j %d" % (size, workers), "" if now == first else "%s, and then %s" % (first, now))


def main():
    runner = fault.Runner(__doc__)
    for part in (table, change, formats, examples, all_kinds, failures, near_limits, many_keys, pipe):
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
