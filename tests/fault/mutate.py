#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutated manifests, templates, records, tables, databases and notes, each given to a run of its own.

No crash, no sanitizer's report, no hang; exit code 0, 1 or 2; where it is not 0, an error that says where; nothing
written outside the output directory. PRESSRUN_MUTATIONS says how many of each kind; `mutate.py manifest:17` makes
the 17th manifest again, and leaves its case where it can be looked at.
"""
import glob
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import yaml

import fault
import mutations
import support

COUNT = int(os.environ.get("PRESSRUN_MUTATIONS") or 100)
HANGS = 10 if not os.environ.get("TSAN_OPTIONS") else 30 # seconds
LIMITS = "limits: { steps: 100000, output_bytes: 1MiB, memory_bytes: 64MiB, record_bytes: 1MiB }\n"
# file:line:col, a row of a database, or what a record's error says, or a message of pressrun's that names a file of the case.
LOCATED = re.compile(r"^[^\n]+:\d+(:\d+)?: error: |^[^\n]+: error: row \d+|^  record: [^\n]+:\d+|^pressrun: [^\n]*", re.M)


def seeds(*patterns, largest=20000):
    found = []
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(support.ROOT, pattern))):
            with open(path, "rb") as f:
                text = f.read()
            if 0 < len(text) <= largest:
                found.append(text)
    assert found, patterns
    return found


# Manifests that run here, for changes of what they say.
MANIFESTS = ["""
templates: ../files/templates
sources: { users: ../files/users.jsonl }
jobs:
  cards: { from: users, template: card.j2, to: "c/{{ loop|default(name) }}.txt", undefined: default }
""", """
name: nightly
globals: { site: example.org, limit: 5, nested: { list: [1, two, [3]] } }
templates: [../files/templates, .]
sources:
  users: { path: ../files/users.jsonl, format: jsonl, key: name }
  products: { path: ../files/products.json, pointer: "" }
  rows: { path: ../files/shop.db }
  notes: { files: "notes/*.md", key: stem }
jobs:
  cards: { from: users, where: "name != 'x'", template: t.j2, to: "cards/{{ name }}.txt", on_error: { fallback: "" } }
  inplace: { from: notes, template: t.j2, to: "n/{{ stem }}.txt", write: inplace, needs: cards }
  stream: { from: rows, template: t.j2, to: all.jsonl.zst, level: 3, needs: [cards] }
  text: { from: products, template: t.j2, to: all.txt, separator: "--", on_error: skip }
  groups: { from: users, template: g.j2, to: "g/{{ group }}.html", group_by: name }
  index: { from: rows, collect: true, template: g.j2, to: index.html, on_error: fail }
  table: { from: rows, template: o.j2, to: rows.sqlite, table: t, raw: true, unique: id }
output: build/out
undefined: default
jinja: { trim_blocks: true, lstrip_blocks: true, keep_trailing_newline: false, autoescape: [html, .XML] }
on_error: skip
limits: { include_depth: 16, steps: 100000, output_bytes: 1MiB, record_bytes: 10 kB, memory_bytes: 67108864 }
""", """
templates: [.]
sources:
  people: { path: ../files/people.csv, types: { id: integer }, key: id }
  pairs: { path: ../files/pairs.tsv, columns: [id, name], header: true, delimiter: "\\t" }
jobs:
  cards: { from: people, template: t.j2, to: "{{ id }}.txt", where: "id > 0" }
  all: { from: pairs, template: t.j2, to: all.txt }
"""]


class Kind:
    """One kind of document: the case around it, the name it has there, and what it grows from."""
    mutations = None
    command = ("run", "-q", "-j", "1", "-o", "out")

    def files(self):
        return {}

    def mutate(self, random):
        return mutations.mutate(random, self.seeds, self.mutations)


class Manifests(Kind):
    """Whatever they say, `-o out` is where outputs go."""
    def __init__(self):
        self.seeds = seeds("tests/manifest/*/pressrun.yaml", "tests/manifest/*/pressrun.json", "examples/*/pressrun.yaml")
        self.seeds += seeds("tests/manifest/valid_*/pressrun.*") * (len(self.seeds) // 10) # most errors hide the next ones

        self.documents = [yaml.safe_load(text) for text in MANIFESTS]

    def mutate(self, random):
        if random.random() < 0.5:
            return super().mutate(random)
        return mutations.as_json(mutations.mutate_document(random, random.choice(self.documents), random.choice([1, 1, 2, 5])))

    def name(self, text):
        return "pressrun.json" if text.lstrip()[:1] == b"{" else "pressrun.yaml"

    def files(self):
        root = os.path.join(support.ROOT, "tests", "manifest", "files")
        files = {"t.j2": "{{ id }} {{ name }}", "g.j2": "{{ records|length }}", "o.j2": '{"id": {{ id|tojson }}}',
                 "notes/one.md": "---\ntitle: one\n---\ntext\n", "notes/two.md": "text\n",
                 "../files/people.csv": "id,name\n1,a\n2,b\n", "../files/shop.db": Databases.database(3, 512)}
        for path in glob.glob(root + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    files.setdefault("../files/" + os.path.relpath(path, root), f.read())
        return files


class Templates(Kind):
    def __init__(self):
        self.seeds = seeds("tests/golden/*/*.j2", "examples/*/templates/*.j2", "tests/fuzz/corpus/jinja/*")
        data = [json.loads(text) for text in seeds("tests/golden/*/data.json", largest=3000)]
        mappings = [one for one in data if isinstance(one, dict)][::7]
        self.records = "".join(json.dumps(dict(one, number=i)) + "\n" for i, one in enumerate(mappings))

    def name(self, text):
        return "main.j2"

    def files(self):
        return {"pressrun.yaml": "sources: { r: records.jsonl }\nundefined: default\njobs:\n"
                                 "  files: { from: r, template: main.j2, to: \"{{ number }}.txt\" }\n"
                                 "  text: { from: r, template: main.j2, to: all.txt }\n" + LIMITS,
                "records.jsonl": self.records, "part.j2": "{{ id }}", "card.j2": "{% macro m(x) %}{{ x }}{% endmacro %}"}


class Records(Kind):
    """Lines of JSON, in a job that looks at fields of them and at whole ones."""
    source = "{ path: records.jsonl, key: id }"
    path = "records.jsonl"
    documents = None # to be changed in what they say, and not only in how it is spelled

    def __init__(self):
        self.seeds = seeds("tests/cli/*/people.jsonl", "tests/fuzz/corpus/reader/*", "tests/fuzz/corpus/load/jsonl*",
                           "tests/manifest/files/*.jsonl")
        self.documents = [{"id": i, "name": "name %d" % (i % 3), "messages": [{"role": "user", "content": "é" * i}],
                           "x": {"y": [1, 2.5, None, {"z": True}]}} for i in range(12)]

    def mutate(self, random):
        if self.documents is None or random.random() < 0.5:
            return super().mutate(random)
        return b"\n".join(mutations.as_json(mutations.mutate_document(random, one, random.choice([0, 1, 1, 3])))
                          for one in self.documents) + b"\n"

    def name(self, text):
        return self.path

    def files(self):
        return {"pressrun.yaml": "sources: { r: %s }\nundefined: default\njobs:\n"
                                 "  cards: { from: r, template: card.j2, to: \"c/{{ id|default(name)|default(loop) }}.txt\" }\n"
                                 "  lines: { from: r, template: card.j2, to: all.jsonl, where: \"id is not none\" }\n"
                                 "  groups: { from: r, template: group.j2, to: \"g/{{ group }}.txt\", group_by: name }\n"
                                 "  all: { from: r, template: group.j2, to: all.txt, collect: true }\n" % self.source + LIMITS,
                "card.j2": "{{ id }} {{ name|upper }} {% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}",
                "group.j2": "{{ group }}{% for r in records %}{{ r|tojson }}{{ r.id }},{% endfor %}"}


class Arrays(Records):
    """One JSON document with the records in it."""
    source, path = "{ path: records.json, pointer: /items/0 }", "records.json"

    def __init__(self):
        self.seeds = [
            b'{"a": [1, {"items": 3}], "items": [[{"id": 1, "name": "a"}, {"id": 2, "name": "b\\u00e9"}], 5], "b": null}',
            b'{"items": [[' + b",".join(b'{"id": %d, "name": "n%d", "x": [{}, "\\n"]}' % (i, i) for i in range(50)) + b"]]}"]


class Compressed(Records):
    """Frames of zstd, with and without checksums, some of them skippable; and what only looks like one."""
    source, path = "{ path: records.jsonl.zst, key: id }", "records.jsonl.zst"
    mutations = mutations.OF_BINARY

    def __init__(self):
        lines = b"".join(b'{"id": %d, "name": "n%d"}\n' % (i, i % 7) for i in range(200))
        self.seeds = [self.frame(lines), self.frame(lines, "--no-check", "-19"), self.frame(lines[:50]) + self.frame(lines[50:]),
                      b"\x50\x2a\x4d\x18\x04\0\0\0skip" + self.frame(lines), self.frame(b"\n" * 3000000),
                      self.frame(lines, "--long=27"), self.frame(b"")]

    @staticmethod
    def frame(text, *options):
        return subprocess.run(["zstd", "-q", "-c", *options], input=text, stdout=subprocess.PIPE, check=True).stdout


class Tables(Records):
    """CSV, with a header and without, with types."""
    source = "{ path: records.csv, key: id, types: { id: integer } }"
    path = "records.csv"

    def __init__(self):
        self.seeds = seeds("tests/manifest/files/*.csv", "tests/manifest/files/*.tsv") + [
            b'id,name,text\r\n1,"a ""quoted"" name","two\r\nlines"\r\n2,,\r\n3,"x",y\r\n', b"id,name\n1,a\n2,b\n",
            b"id\tname\n1\ta\n", b'\xef\xbb\xbfid;name\n1;"a;b"\n', b"id,name\n" + b'7,"' + b"l\n" * 500 + b'"\n',
            b",".join(b"c%d" % i for i in range(300)) + b"\n" + b",".join([b"1"] * 300) + b"\n", b'"id","name"\n"1","2"',
            "id,name\n1,Zoë\n2,\u65e5\u672c\n".encode()]


class Separated(Tables):
    source = "{ path: records.csv, delimiter: \";\", columns: [id, name, text], header: false }"


class Databases(Records):
    source, path = "{ path: records.db, query: \"select * from r order by id\" }", "records.db"
    mutations = mutations.OF_BINARY

    def __init__(self):
        self.seeds = [self.database(rows, page) for rows, page in ((3, 512), (200, 512), (50, 4096))]

    @staticmethod
    def database(rows, page):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "seed.db")
            connection = sqlite3.connect(path)
            connection.execute("pragma page_size = %d" % page)
            connection.execute("create table r (id integer primary key, name text, x text, y real)")
            connection.execute("create index i on r (name)")
            connection.executemany("insert into r values (?, ?, ?, ?)", (
                (i, "name %d" % i * (i % 10), "x" * (i % 300), i / 3) for i in range(rows)))
            connection.commit()
            connection.close()
            with open(path, "rb") as f:
                return f.read()


class WholeTables(Databases):
    source = "{ path: records.db, table: r }"


class Notes(Records):
    """Files with front matter; all that a mutation makes of one of them."""
    source, path = "{ files: \"notes/**/*.md\" }", "notes/a/one.md"

    def __init__(self):
        self.seeds = [
            b"---\nid: 1\nname: one\ntags: [a, b]\n---\ntext\n", b'{"id": 2, "name": "two", "x": {"y": [1]}}\n\ntext\n',
            b"---\r\nid: &a 3\r\nname: *a\r\n---\r\n\r\n# Head\r\n", b"no front matter\n", b"---\nid: 1\n", b"---\n---\n",
            b"+++\nid = 1\n+++\n", b"\xef\xbb\xbf---\nid: 4\n...\ntext", b"---\n- a\n- b\n---\n", b"{}\n", b"---\n{id: 5}\n---\n"]

    def files(self):
        files = super().files()
        files[self.path] = self.seeds[0]
        files["notes/two.md"] = "---\nid: two\nname: whole\n---\ntext\n"
        files["card.j2"] = "{{ meta.id }} {{ meta|tojson }} {{ content|upper }}"
        return files


KINDS = {"manifest": Manifests, "template": Templates, "records": Records, "array": Arrays, "zst": Compressed, "csv": Tables,
         "separated": Separated, "sqlite": Databases, "table": WholeTables, "files": Notes}
HALVED = {"array", "separated", "table", "files", "zst"} # variants of another kind


def unlocated(done, one):
    """An error must say where, or name what it is about."""
    text = done.stderr.decode("utf-8", "replace")
    found = LOCATED.search(text)
    if done.returncode == 0 or (found and not found.group(0).startswith("pressrun: ")):
        return ""
    names = [os.path.basename(name) for name in one.before] + ["out", "pressrun.yaml", "pressrun.json"]
    if found and any(name in line for line in re.findall(r"^pressrun: .*", text, re.M) for name in names):
        return ""
    return "exit %d, and nothing says where:\n%s" % (done.returncode, text[:500])


def is_known(runner, kind):
    """Whether this pressrun reads such a source at all."""
    with fault.case(dict(kind.files(), **{kind.name(kind.seeds[0]): kind.seeds[0]})) as one:
        done = runner.run(one, command=kind.command)
        return b"unknown key" not in done.stderr and b"unknown format" not in done.stderr and \
            b"does not say what format" not in done.stderr


def check(runner, name, number, kind, one):
    text = kind.mutate(random.Random("%s %d" % (name, number)))
    for stale in ("pressrun.json", "pressrun.yaml") if isinstance(kind, Manifests) else ():
        (one.path / stale).unlink(missing_ok=True)
    shutil.rmtree(one.out, ignore_errors=True)
    one.write(kind.name(text), text)
    here = os.path.join("case", kind.name(text))
    for stale in [path for path in one.before if path.startswith("case/pressrun.") and isinstance(kind, Manifests)]:
        del one.before[stale]
    one.before[here] = ("file", text)
    done = runner.run(one, command=kind.command, timeout=HANGS)
    well = runner.find("%s:%d" % (name, number), fault.crashed(done), unlocated(done, one),
                       "a temporary file is left: %s" % one.temporaries() if one.temporaries() else "", *one.strayed())
    return well, done


def main():
    runner = fault.Runner(__doc__)
    codes = {}
    for name, make in KINDS.items():
        chosen = [part.split(":") for part in runner.only if part.split(":")[0] == name]
        if runner.only and not chosen:
            continue
        kind = make()
        if not is_known(runner, kind):
            runner.notes.append("skipped: this pressrun does not read the source of %s" % name)
            continue
        count = COUNT if COUNT > 100 or name not in HALVED else COUNT // 4
        numbers = [int(part[1]) for part in chosen if len(part) > 1] or range(count)
        with fault.case(kind.files()) as one:
            for number in numbers:
                _, done = check(runner, name, number, kind, one)
                key = "%s exit %s" % (name, done.returncode)
                codes[key] = codes.get(key, 0) + 1
            if chosen and len(chosen[0]) > 1:
                kept = tempfile.mkdtemp(prefix="pressrun-mutated-")
                shutil.copytree(one.path, kept, dirs_exist_ok=True)
                print("the case is kept in %s; %s gave:\n%s" % (kept, kind.command, done.stderr.decode("utf-8", "replace")))
    return runner.finish("; " + ", ".join("%s: %d" % one for one in codes.items()))


if __name__ == "__main__":
    sys.exit(main())
