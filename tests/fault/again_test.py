#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs that make only what would come out differently, against runs from scratch.

A random manifest with random templates and sources is run again and again, and before each time something changes: a
field, a type, the order of keys, a template, a library, an option, an output, what the run remembers; runs are killed,
staged, of one job only. After each step the outputs and the digest are those that a run makes that knows of nothing
(--force --cache off, into an empty directory); with --prune nothing is left over, and what somebody has put there stays.

PRESSRUN_AGAIN_SECONDS says for how long, PRESSRUN_SEED which sequence comes first; `again_test.py 17` does the 17th alone,
and keeps where it failed. Of a sequence that fails the fewest steps are looked for that do.
"""
import copy
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import fault
import support

SECONDS = float(os.environ.get("PRESSRUN_AGAIN_SECONDS") or 6)
STEPS = 8
SCRIPT = "#!/bin/sh\n%scat\ncat suffix.txt\n"

JINJA = [
    "{{ name }}", "{{ price }}", "{{ meta.a }}", "{{ meta }}", "{{ meta.b.c }}", "{{ meta|length }}", "{{ [name] }}",
    "{% for k in meta %}{{ k }},{% endfor %}", "{% for k, v in meta|dictsort %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in meta.items() %}{{ k }}={{ v }};{% endfor %}", "{% for i in rows %}{{ i.k }};{% endfor %}",
    "{% for i in rows %}{% for q in i %}{{ q }},{% endfor %}{% endfor %}", "{{ rows|map(attribute='k')|join(',') }}",
    "{{ rows|length }}", "{{ tags|join('-') }}", "{{ tags[0] }}", "{{ tags|first }}", "{% if tags %}T{% endif %}",
    "{% if meta.b is defined %}B{% endif %}", "{% if meta is mapping %}M{% endif %}", "{{ meta['a'] }}",
    "{{ meta[name] }}", "{% include 'part.j2' %}", "{% include tpl ignore missing %}", "{% if not tags %}E{% endif %}",
    "{% include 'late.j2' ignore missing %}", "{% import 'lib.j2' as lib %}{{ lib.m(name) }}",
    "{% from 'lib.j2' import m with context %}{{ m(price) }}", "{{ site }}", "{{ conf.x }}", "{{ conf }}",
    "{{ name|shout }}", "{% if name is shout %}S{% endif %}", "{{ price is number }}", "{{ price is string }}",
    "{{ tier|default('none') }}", "{{ stem }}{{ content }}", "{{ size }}", "{{ path|default('-') }}", "{{ meta|tojson }}", "{{ rows|tojson }}", "{{ late|default('-') }}",
    "{% set x = meta %}{{ x.a }}", "{{ (meta or tags) }}", "{{ rows[0].k }}", "{{ rows[0] }}", "{{ rows|first }}",
    "{{ rows|groupby('k')|list }}", "{{ rows|sort(attribute='v')|map(attribute='k')|list }}",
    "{{ rows|selectattr('v')|list|length }}", "{% with m = meta %}{{ m.a }}{% endwith %}", "{{ price == 1 }}",
    "{% macro q(x) %}{{ x.a }}{% endmacro %}{{ q(meta) }}", "{{ meta == {'a': 1} }}", "{{ 'a' in meta }}",
    "{{ name in tags }}", "{{ meta|list }}", "{{ price|string }}", "{{ price|int }}", "{{ meta.b|length }}",
    "{% for t in tags %}{{ loop.index }}{{ t }}{% endfor %}", "{% for t in tags|reverse %}{{ t }}{% endfor %}",
    "{{ meta.get('a') }}", "{{ meta.values()|list }}", "{{ meta.keys()|list }}", "{{ rows|map('length')|list }}",
    "{{ rows|sum(attribute='v') }}", "{{ meta['b']['c'] }}", "{{ name|upper }}{{ name|length }}", "{{ meta.a.b }}",
    "{% for i in rows recursive %}{{ i.k }}{% if i.kids %}({{ loop(i.kids) }}){% endif %}{% endfor %}",
    "{% set ns = namespace(n=0) %}{% for i in rows %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
    "{% if rows %}{{ rows[-1].v }}{% endif %}", "{{ [meta, tags][1] }}", "{{ (meta if name else rows)|length }}",
    "{% for i in range(60000) %}{% endfor %}{{ name }}", "{% include ['late.j2', 'part.j2'] %}", "{{ meta is defined }}",
    "{% filter upper %}{{ name }}{% endfilter %}", "{% include name ~ '.j2' ignore missing %}", "{{ price|tojson }}",
    "{% macro lib2() %}<{{ caller() }}>{% endmacro %}{% call lib2() %}{{ name }}{% endcall %}", "{{ meta|string|length }}",
    "{{ name|dyn }}", "{{ meta|pick }}", "{% for a in meta.b %}{{ a }}{% endfor %}", "{{ rows|map(attribute='kids.0.k')|list }}",
    "{{ meta|attr('a') }}", "{{ rows|unique(attribute='k')|map(attribute='v')|list }}", "{{ rows|max(attribute='v') }}",
    "{% if meta == conf %}same{% endif %}", "{{ tags == rows }}", "{{ meta|items|list }}", "{{ rows|batch(2)|list|length }}",
    "\n  {% if name %}\n  x\n  {% endif %}\n",
]
MUSTACHE = ["{{name}} ", "{{#rows}}{{k}}{{name}};{{/rows}}", "{{^tags}}none{{/tags}}", "{{meta.a}}", "{{> part}}",
            "{{#meta}}{{a}}{{name}}{{/meta}}", "{{{price}}}", "{{site}}", "{{#tags}}{{.}},{{/tags}}", "{{meta.b.c}}",
            "{{#rows}}{{#kids}}{{k}}{{v}}{{/kids}}{{/rows}}", "{{#price}}P{{/price}}", "{{conf.x}}", "{{> late}}",
            "{{#meta.b}}{{c}}{{a}}{{/meta.b}}", "{{meta}}", "{{late}}"]
LIBRARY = ("{%% macro m(x) %%}<%s{{ x }}>{%% endmacro %%}{%% macro shout(x) %%}{{ x|upper }}%s{%% endmacro %%}"
           "{%% macro dyn(x) %%}{%% include x ~ '.j2' ignore missing %%}{%% endmacro %%}"
           "{%% macro pick(x) %%}{{ x.a }}{{ site }}{%% endmacro %%}")
PARTS = ["part {{ name }}", "part", "{{ price }}{{ site }}", "{{ meta.a }}", "{% include 'late.j2' ignore missing %}p"]
NAMES = ["ann", "bob", "cid", "dee"]
SCALARS = [1, 1.0, "1", True, None, [1], {}, 0, -0.0, "", False, [], 2, "a", "b", {"a": 1}, {"b": {"c": 1}},
           10 ** 30, "10", 1e300, "True", [None], [[]], [{}], {"a": None}]
ID = "{{ id|default(stem) }}"
COLUMNS = ["id", "name", "tier", "price", "meta", "tags", "rows", "tpl"]
KEYS = ["id", "name", "tier", "price", "tags", "meta", "rows", "tpl", "late", "", "a.b", "[x]", "meta.a"]


class World:
    """Everything that a run depends on; changes by steps."""

    def __init__(self, rng):
        self.files, self.defines, self.env = {}, [], {"WORD": "w"}
        self.rows = [self.record(rng, i) for i in range(rng.choice((2, 3, 5, 9)))]
        self.types = {"id": "integer", "meta": "json", "tags": "json", "rows": "json"}
        self.format = rng.choice(("jsonl", "jsonl", "jsonl", "json", "csv", "sqlite", "files"))
        self.indent, self.header, self.delimiter, self.end = False, True, ",", "\n"
        self.csv_columns = list(COLUMNS)
        self.files.update({"templates/part.j2": "part {{ name }}", "templates/lib.j2": LIBRARY % ("", "!"),
                           "templates/ann.j2": "A", "templates/bob.j2": "B {{ price }}",
                           "templates/part.mustache": "part {{name}}", "suffix.txt": "$", "script.sh": SCRIPT % "",
                           "templates/base.j2": "[{% block a %}base {{ name }}{% endblock %}]{% block b %}{% endblock %}"})
        self.manifest = {"globals": {"site": "here", "conf": {"x": 1}, "unread": 1}, "undefined": "default", "templates": ["first", "templates"],
                         "filters": {"shout": "lib.j2:shout", "dyn": "lib.j2:dyn", "pick": "lib.j2:pick"},
                         "sources": {"s": {}}, "jobs": {}, "output": "out",
                         "cache": {"file": "4MiB"}}
        for i in range(rng.choice((1, 1, 2, 3, 4))):
            self.add_job(rng, "job%d" % i)

    @staticmethod
    def record(rng, i):
        row = {"id": i, "name": rng.choice(NAMES), "tier": rng.choice(("x", "y")), "price": rng.choice((1, 2.5, "3")),
               "tags": rng.sample(["a", "b", "c"], rng.randrange(3)),
               "meta": rng.choice(({"a": 1, "b": {"c": 2}}, {"a": "ann"}, {"b": {"c": "x"}})),
               "rows": [{"k": rng.choice("pq"), "v": rng.randrange(3), "kids": [{"k": 1}]} for _ in range(rng.randrange(3))],
               "tpl": rng.choice(("ann.j2", "part.j2"))}
        if rng.random() < 0.2:
            row[rng.choice(KEYS)] = rng.choice(SCALARS)
        return row

    def template(self, rng, name):
        if name.endswith(".mustache"):
            return "".join(rng.choice(MUSTACHE) for _ in range(rng.randrange(4)))
        text = "".join(rng.choice(JINJA) for _ in range(rng.randrange(4)))
        if rng.random() < 0.15:
            parent = rng.choice(("'base.j2'", "'base.j2'", "['late.j2', 'base.j2']"))
            text = "{%% extends %s %%}{%% block a %%}%s{%% endblock %%}" % (parent, text)
        return text

    def gathered(self, rng, group):
        texts = ["{% for r in records %}" + rng.choice(["{{ r.name }}", "{{ r.price }}", "{{ r.meta.a }}", "{{ r }}", ".",
                                                       "{% include 'part.j2' %}", "{{ r.rows|length }}", "{{ r.meta|list }}",
                                                       "{% for i in r.rows %}{{ i.k }}{% endfor %}", "{{ loop.index }}"]) + "{% endfor %}",
                 "{{ records|length }}", "{{ records|map(attribute='tier')|join }}", "{{ records[0].name }}", "fixed", "{{ site }}",
                 "{{ records|sum(attribute='id') }}", "{{ records|groupby('tier')|length }}", "{{ records[0] }}", "{{ records|last }}"]
        if group:
            texts += ["{{ group }}", "{{ group|tojson }}"]
        return "".join(rng.choice(texts) for _ in range(rng.randrange(1, 3)))

    def add_job(self, rng, name):
        kind = rng.choice(("record", "record", "record", "group", "collect", "stream", "stream"))
        job = {"from": "s"}
        extension = "mustache" if rng.random() < 0.15 and kind in ("record", "stream") else "j2"
        job["template"] = "%s.%s" % (name, extension)
        if kind == "record":
            job["to"] = name + "/" + rng.choice(("%s.txt", "%s.txt", "%s.html", "{{ tier }}-%s.txt", "%s-{{ name }}.txt", "{{ site }}/%s.txt",
                                                 "{{ meta|pick }}%s.txt", "%s.txt.zst")) % ID
            if rng.random() < 0.2:
                job["through"] = {"command": rng.choice((["tr", "a-z", "A-Z"], ["./script.sh"])), "inputs": ["suffix.txt", "script.sh"]}
        elif kind == "group":
            job["group_by"] = rng.choice(("tier", "price", "name", "meta.a|string", "price is string", "[tier, name]|join"))
            job["to"] = name + "/{{ group }}.txt"
        elif kind == "collect":
            job["collect"] = True
            job["to"] = name + ".txt"
        else:
            job["to"] = name + rng.choice((".txt", ".jsonl", ".txt.zst"))
        if rng.random() < 0.25:
            job["where"] = rng.choice(("tier == 'x'", "id != 1", "meta.a is defined", "name in conf", "name|shout != 'ANN!'", "price"))
        if rng.random() < 0.2:
            job["undefined"] = rng.choice(("strict", "keep"))
        self.manifest["jobs"][name] = job
        gathers = kind in ("group", "collect")
        self.files["templates/" + job["template"]] = (self.gathered(rng, kind == "group") if gathers
                                                      else self.template(rng, job["template"]))

    def seen(self):
        """What there is to be read, as text."""
        columns = (self.csv_columns, self.types, self.header, self.delimiter) if self.format in ("csv", "sqlite") else None
        return repr((self.rows, self.files, self.manifest, self.defines, self.format, self.indent, self.end, columns))

    # What is on the disk

    def write(self, root):
        wanted = dict(self.files)
        manifest = copy.deepcopy(self.manifest)
        source = manifest["sources"]["s"]
        if self.format == "jsonl":
            source["path"] = "s.jsonl"
            wanted["s.jsonl"] = "".join(json.dumps(r) + self.end for r in self.rows)
        elif self.format == "json":
            source["path"] = "s.json"
            wanted["s.json"] = json.dumps(self.rows, indent=2 if self.indent else None)
        elif self.format == "csv":
            source["path"] = "s.csv"
            wanted["s.csv"] = self.csv(source)
        elif self.format == "files":
            source["files"] = "pages/*.md"
            for row in self.rows:
                meta = row["meta"] if isinstance(row.get("meta"), dict) else {"a": row.get("meta")}
                text = "---\n%s\n---\nbody %s\n" % (json.dumps(meta), json.dumps(row.get("name")))
                wanted["pages/%s.md" % json.dumps(row.get("id")).replace('"', "").replace("/", "")] = text
        else:
            source["path"] = "s.sqlite"
            source["query"] = "select * from t order by id" if self.indent else "select * from t"
            wanted["s.sqlite"] = None
        wanted["pressrun.yaml"] = json.dumps(manifest, indent=1)
        os.makedirs(os.path.join(root, "first"), exist_ok=True)
        for path in list(self.present(root)):
            if path not in wanted:
                os.unlink(os.path.join(root, path))
        for path, text in wanted.items():
            whole = os.path.join(root, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            if text is None:
                self.database(whole)
                continue
            try:
                with open(whole, "rb") as f:
                    if f.read() == text.encode():
                        continue
            except OSError:
                pass
            with open(whole, "wb") as f:
                f.write(text.encode())
            if path.endswith(".sh"):
                os.chmod(whole, 0o755)

    @staticmethod
    def present(root):
        for where, folders, names in os.walk(root):
            if where == root:
                folders[:] = [f for f in folders if f in ("templates", "first", "pages")]
            for name in names:
                yield os.path.relpath(os.path.join(where, name), root)

    def csv(self, source):
        source["types"] = {k: v for k, v in self.types.items() if k in self.csv_columns}
        if self.delimiter != ",":
            source["delimiter"] = self.delimiter

        def cell(row, key):
            value = row.get(key)
            text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
            return '"%s"' % text.replace('"', '""') if any(c in text for c in ',;"\n') else text
        lines = [self.delimiter.join(cell(r, c) for c in self.csv_columns) for r in self.rows]
        if self.header:
            lines.insert(0, self.delimiter.join(self.csv_columns))
        else:
            source["columns"] = self.csv_columns
        return "".join(line + self.end for line in lines)

    def database(self, path):
        if os.path.exists(path):
            os.unlink(path)
        with sqlite3.connect(path) as db:
            db.execute("create table t (%s)" % ", ".join(c for c in self.csv_columns))
            for row in self.rows:
                values = [row.get(c) for c in self.csv_columns]
                values = [v if isinstance(v, (int, float, str, type(None))) and not (isinstance(v, int) and abs(v) > 2 ** 62)
                          else json.dumps(v) for v in values]
                db.execute("insert into t values (%s)" % ",".join("?" * len(values)), values)
        db.close()


# Changes of the world: fn(world, rng) ---------------------------------------------------------------------------


def some_map(rng, value, depth=0):
    """A mapping somewhere in a value."""
    inner = [v for v in (value.values() if isinstance(value, dict) else value) if isinstance(v, (dict, list)) and v]
    if inner and rng.random() < 0.4:
        found = some_map(rng, rng.choice(inner))
        if found is not None:
            return found
    return value if isinstance(value, dict) else None


def change_field(w, rng):
    if w.rows:
        where = some_map(rng, rng.choice(w.rows))
        keys = list(where) or ["a"]
        where[rng.choice(keys)] = copy.deepcopy(rng.choice(SCALARS))


def change_known_field(w, rng):
    if w.rows:
        row = rng.choice(w.rows)
        row[rng.choice(KEYS)] = copy.deepcopy(rng.choice(SCALARS))


def small_change(w, rng):
    if w.rows:
        row = rng.choice(w.rows)
        row[rng.choice(("name", "price", "tier"))] = rng.choice(NAMES + [1, 2.5, "3", "x", "y"])


def remove_field(w, rng):
    if w.rows:
        where = some_map(rng, rng.choice(w.rows))
        if where:
            where.pop(rng.choice(list(where)))


def reorder_keys(w, rng):
    if w.rows:
        where = some_map(rng, rng.choice(w.rows))
        pairs = list(where.items())
        rng.shuffle(pairs)
        where.clear()
        where.update(pairs)


def swap_elements(w, rng):
    if w.rows:
        row = rng.choice(w.rows)
        lists = [v for v in row.values() if isinstance(v, list) and len(v) > 1]
        if lists:
            rng.shuffle(rng.choice(lists))
        elif isinstance(row.get("rows"), list):
            row["rows"].append({"k": rng.choice("pq"), "v": rng.randrange(3)})


def nest(w, rng):
    """A value becomes a list of itself, or a list its first element: what is transparent to a projection."""
    if w.rows:
        row = rng.choice(w.rows)
        key = rng.choice(("meta", "rows", "tags", "price"))
        value = row.get(key)
        if isinstance(value, list) and value and rng.random() < 0.6:
            row[key] = value[0]
        else:
            row[key] = [value]


def add_record(w, rng):
    w.rows.insert(rng.randrange(len(w.rows) + 1), w.record(rng, 100 + rng.randrange(50)))


def remove_record(w, rng):
    if w.rows:
        w.rows.pop(rng.randrange(len(w.rows)))


def duplicate_record(w, rng):
    if w.rows:
        w.rows.append(copy.deepcopy(rng.choice(w.rows)))
        if rng.random() < 0.7:
            w.rows[-1]["id"] = 200 + rng.randrange(50)


def swap_records(w, rng):
    rng.shuffle(w.rows)


def swap_ids(w, rng):
    if len(w.rows) > 1:
        a, b = rng.sample(w.rows, 2)
        a["id"], b["id"] = b.get("id"), a.get("id")


def change_columns(w, rng):
    how = rng.randrange(5)
    if how == 0:
        rng.shuffle(w.csv_columns)
    elif how == 1:
        w.delimiter = ";" if w.delimiter == "," else ","
    elif how == 2:
        w.header = not w.header
    elif how == 3:
        w.csv_columns = COLUMNS[:rng.randrange(4, 8)] + rng.sample(["late", "n"], rng.randrange(3))
    elif w.format == "csv":
        w.types["price"] = rng.choice(("integer", "number", "text", "json"))


def change_spelling(w, rng):
    w.indent = not w.indent
    w.end = "\n" if w.end == "\r\n" or w.format == "jsonl" else "\r\n"


def change_format(w, rng):
    w.format = rng.choice(("jsonl", "json", "files", "csv", "sqlite"))


def change_key(w, rng):
    source = w.manifest["sources"]["s"]
    if source.pop("key", None) is None or rng.random() < 0.5:
        source["key"] = rng.choice(("id", "name", "id ~ name", "missing"))


def templates_of(w):
    return [p for p in w.files if p.startswith(("templates/", "first/"))]


def own_template(w, rng, job):
    spec = w.manifest["jobs"][job]
    group = "group_by" in spec
    return w.gathered(rng, group) if group or spec.get("collect") else w.template(rng, spec["template"])


def edit_template(w, rng):
    job = rng.choice(list(w.manifest["jobs"]))
    path = "templates/" + w.manifest["jobs"][job]["template"]
    w.files[path] = own_template(w, rng, job) if rng.random() < 0.5 else w.files.get(path, "") + rng.choice("xyz\n")


def edit_part(w, rng):
    name = rng.choice(("part.j2", "late.j2", "ann.j2", "bob.j2", "late.mustache", "part.mustache", "A.j2", "base.j2"))
    where = rng.choice(("templates/", "templates/", "first/"))
    if where + name in w.files and rng.random() < 0.3 and name not in ("base.j2",):
        del w.files[where + name]
    elif name.endswith(".mustache"):
        w.files[where + name] = "part {{price}} {{%s}}" % rng.choice(("name", "late", "site"))
    elif name == "base.j2":
        w.files[where + name] = "(%s{%% block a %%}b{%% endblock %%})" % rng.choice(PARTS)
    else:
        w.files[where + name] = rng.choice(PARTS) if name != "late.j2" else rng.choice(("late", "{{ name }}late", "{{ meta }}"))


def edit_library(w, rng):
    where = rng.choice(("templates/", "templates/", "first/"))
    if where + "lib.j2" in w.files and rng.random() < 0.3 and where == "first/":
        del w.files[where + "lib.j2"]
    else:
        w.files[where + "lib.j2"] = LIBRARY % (rng.choice(("", "m")), rng.choice("!?"))


def change_global(w, rng):
    globals_ = w.manifest["globals"]
    how = rng.randrange(4)
    if how == 0:
        globals_["site"] = copy.deepcopy(rng.choice(["here", "there", 1, "1", True, 1.0]))
    elif how == 1:
        globals_["conf"] = copy.deepcopy(rng.choice([{"x": 1}, {"x": 2}, {"x": 1, "ann": 1}, {"ann": 1, "x": 1}, {"x": "1"}]))
    elif how == 2:
        globals_["late"] = globals_.pop("late", 0) + 1 if rng.random() < 0.7 else 0
    else:
        globals_["unread"] += 1


def change_define(w, rng):
    w.defines = rng.choice(([], ["-D", "site=defined"], ["-D", "site:=1"], ["-D", "conf:={\"x\": 3}"], ["-D", "name=global"]))


def change_option(w, rng):
    m = w.manifest
    how = rng.randrange(5)
    if how == 0:
        m["undefined"] = rng.choice(("strict", "default", "default", "keep"))
    elif how == 1:
        m["jinja"] = {"autoescape": rng.choice((True, False, ["txt"]))}
    elif how == 2:
        m["jinja"] = {rng.choice(("trim_blocks", "lstrip_blocks", "keep_trailing_newline")): rng.choice((True, False))}
    elif how == 3:
        m["filters"]["shout"] = "lib.j2:" + rng.choice(("m", "shout", "dyn"))
    else:
        m["templates"] = rng.choice((["first", "templates"], ["templates", "first"], ["templates"]))


def change_job(w, rng):
    name = rng.choice(list(w.manifest["jobs"]))
    job = w.manifest["jobs"][name]
    to = job["to"]
    stream = "{{" not in to and not job.get("collect")
    single = "group_by" not in job and not job.get("collect") and not stream
    can = [toggle_where, set_undefined]
    can += [other_path] if "{{" in to else []
    can += [other_group] if "group_by" in job else []
    can += [other_stream] * 2 if stream else []
    can += [other_level] if to.endswith(".zst") else []
    can += [toggle_collect] if to.endswith(".txt") and "group_by" not in job and not single else []
    can += [toggle_through] if single and ID in to else []
    rng.choice(can)(job, rng)


def toggle_where(job, rng):
    if job.pop("where", None) is None or rng.random() < 0.5:
        job["where"] = rng.choice(("tier == 'x'", "id != 1", "true", "price == 1", "tags", "meta.b"))


def other_path(job, rng):
    to = job["to"]
    folder, name = to.rsplit("/", 1)
    job["to"] = rng.choice((folder + "/z" + name, to.replace("txt", "html"), to.replace(ID, ID + "{{ tier }}")))


def other_group(job, rng):
    job["group_by"] = rng.choice(("tier", "price", "name", "id", "rows|length", "price is string"))


def other_stream(job, rng):
    if job["to"].endswith(".jsonl"):
        job["raw"] = not job.get("raw", False)
    else:
        job["separator"] = rng.choice(("", "--", "\n"))


def other_level(job, rng):
    job["level"] = rng.choice((1, 3, 9))


def toggle_collect(job, rng):
    job["collect"] = not job.get("collect", False)
    job.pop("separator", None)


def set_undefined(job, rng):
    job["undefined"] = rng.choice(("default", "strict", "keep"))


def toggle_through(job, rng):
    if job.pop("through", None) is None:
        job["through"] = {"command": rng.choice((["tr", "a-z", "A-Z"], ["tr", "a", "b"], ["./script.sh"])),
                          "inputs": ["suffix.txt", "script.sh"]}


def change_through(w, rng):
    if rng.random() < 0.5:
        w.files["suffix.txt"] = rng.choice("$%&")
    else:
        w.files["script.sh"] = SCRIPT % rng.choice(("", "printf x;", "printf y;"))


def other_job(w, rng):
    names = list(w.manifest["jobs"])
    how = rng.randrange(3)
    if how == 0 or len(names) == 1:
        w.add_job(rng, "job%d" % rng.randrange(10, 14))
    elif how == 1:
        w.manifest["jobs"].pop(rng.choice(names))
    else:
        old = rng.choice(names)
        w.manifest["jobs"]["renamed%d" % rng.randrange(3)] = w.manifest["jobs"].pop(old)


def swap_jobs(w, rng):
    """Two jobs exchange what they are."""
    names = list(w.manifest["jobs"])
    if len(names) > 1:
        a, b = rng.sample(names, 2)
        jobs = w.manifest["jobs"]
        jobs[a], jobs[b] = jobs[b], jobs[a]


def nothing(w, rng):
    pass


WORLD = [change_field, change_field, change_known_field, small_change, small_change, remove_field, reorder_keys, swap_elements,
         nest, nest, add_record, remove_record, duplicate_record, swap_records, swap_ids, change_columns, change_columns,
         change_spelling, change_format, change_key, edit_template, edit_template, edit_part, edit_part, edit_part, edit_library,
         change_global, change_global, change_define, change_option, change_option, change_job, change_job, change_job, change_job, change_job,
         change_through, other_job, swap_jobs, nothing]

# Changes of what a run left: fn(bed, rng) -----------------------------------------------------------------------


def pick_output(bed, rng):
    paths = sorted(bed.outputs(bed.out))
    return os.path.join(bed.out, rng.choice(paths)) if paths else None


def delete_output(bed, rng):
    path = pick_output(bed, rng)
    if path:
        os.unlink(path)
        bed.touched = True


def edit_output(bed, rng):
    path = pick_output(bed, rng)
    if path and os.path.exists(path):
        with open(path, "r+b") as f:
            f.write(b"#")
        bed.touched = bed.lossy = True


def touch_output(bed, rng):
    path = pick_output(bed, rng)
    if path and os.path.exists(path):
        os.utime(path, (rng.choice((0, 1, 4e9)),) * 2)
        bed.touched = bed.lossy = True


def replace_output(bed, rng):
    path = pick_output(bed, rng)
    if path and os.path.exists(path):
        shutil.copy2(path, path + "~")
        with open(path + "~", "r+b") as f:
            f.write(b"#")
        if rng.random() < 0.5:
            stamp = os.stat(path)
            os.utime(path + "~", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        os.rename(path + "~", path)
        bed.touched = bed.lossy = True


def link_output(bed, rng):
    path = pick_output(bed, rng)
    if path:
        kept = os.path.join(bed.root, "elsewhere")
        if os.path.exists(kept):
            kept += os.path.basename(path)
        os.rename(path, kept)
        os.symlink(kept, path)
        bed.touched = bed.lossy = True


def directory_output(bed, rng):
    path = pick_output(bed, rng)
    if path:
        os.unlink(path)
        os.mkdir(path)
        bed.touched = bed.lossy = True
        bed.directories.append(path)


def damage(bed, rng):
    books = [os.path.join(where, name) for where, _, names in os.walk(os.path.join(bed.out, ".pressrun")) for name in names
             if "stage" not in where and "rollback" not in where]
    if not books:
        return
    path = rng.choice(sorted(books)) if rng.random() < 0.5 else os.path.join(bed.out, ".pressrun/journal")
    bed.lossy = True
    try:
        with open(path, "r+b") as f:
            size = os.path.getsize(path)
            how = rng.randrange(3)
            if how == 0:
                f.truncate(rng.randrange(size + 1))
            elif how == 1 and size:
                f.seek(rng.randrange(size))
                f.write(bytes([rng.randrange(256)]))
            else:
                os.unlink(path)
    except OSError:
        pass


LEFT = [delete_output, edit_output, touch_output, replace_output, link_output, directory_output, damage, damage]

# --------------------------------------------------------------------------------------------------------------


CODES = {} # of runs from scratch


class Wrong(Exception):
    pass


class Bed:
    def __init__(self, runner):
        home = None if os.environ.get("TMPDIR") or not os.access("/dev/shm", os.W_OK) else "/dev/shm"
        self.root = tempfile.mkdtemp(prefix="pressrun-again-", dir=home)
        self.out, self.fresh = os.path.join(self.root, "out"), os.path.join(self.root, "fresh")
        self.pressrun, self.environment = runner.pressrun, runner.environment
        self.said = None
        self.touched = False # an output was, since the last run that looked at it
        self.lossy = False   # what does not belong may stay, since it was changed or forgotten
        self.directories = []
        self.log = []

    @staticmethod
    def outputs(root):
        found = {}
        for where, folders, names in os.walk(root):
            if where == root and ".pressrun" in folders:
                folders.remove(".pressrun")
            for name in names:
                path = os.path.join(where, name)
                if not os.path.exists(path): # a link to nowhere
                    found[os.path.relpath(path, root)] = os.readlink(path)
                    continue
                with open(path, "rb") as f:
                    found[os.path.relpath(path, root)] = f.read()
        return found

    def command(self, *words, output="out"):
        return [self.pressrun, *words, "-C", self.root, "-o", output]

    def run(self, *words, output="out", kill=None):
        env = self.environment(PRESSRUN_HISTORY="none")
        if output == "out":
            env.pop("PRESSRUN_CACHE")
        process = subprocess.Popen(self.command(*words, output=output), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if kill is not None:
            time.sleep(kill)
            process.send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=fault.HANGS)
        if process.returncode not in (0, 1, 2, 5) and kill is None:
            raise Wrong("%s: exit %d\n%s" % (" ".join(words), process.returncode, err.decode(errors="replace")))
        digest = None
        if words[0] == "run" and process.returncode in (0, 1) and out.strip():
            self.said = json.loads(out.decode().strip().split("\n")[-1])
            digest = self.said["digest"]
        return process.returncode, digest, err.decode(errors="replace")

    def from_scratch(self, arguments):
        shutil.rmtree(self.fresh, ignore_errors=True)
        code, digest, _ = self.run("run", "--json", "--force", "--cache", "off", *arguments, output="fresh")
        CODES[code] = CODES.get(code, 0) + 1
        return code, digest, self.outputs(self.fresh) if os.path.isdir(self.fresh) else {}

    def compare(self, got, want, pruned, before):
        if got[0] != want[0]:
            raise Wrong("exit %d, from scratch %d: %s" % (got[0], want[0], got[2]))
        if got[0] == 2:
            return
        if got[1] is not None and got[1] != want[1]:
            self.differing(want[2])
            raise Wrong("the digest is %s, from scratch %s" % (got[1], want[1]))
        self.differing(want[2])
        have = self.outputs(self.out)
        over = sorted(set(have) - set(want[2]))
        if over and pruned and not self.lossy and got[0] == 0:
            raise Wrong("left over: %s" % ", ".join(over))
        for path in over:
            if path in before and have[path] != before[path]:
                raise Wrong("%s does not belong, and was written" % path)

    def differing(self, want):
        have = self.outputs(self.out)
        for path in sorted(want):
            if have.get(path) != want[path]:
                raise Wrong("%s is %r, from scratch %r" % (path, have.get(path), want[path]))

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def unchanged(bed, before, what):
    if bed.outputs(bed.out) != before:
        raise Wrong("%s has changed outputs" % what)


def step(bed, world, rng):
    """Whether nothing failed."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        was = world.seen()
        for _ in range(4):
            change = rng.choice(WORLD)
            change(world, rng)
            if world.seen() != was or change is nothing:
                break
        bed.log.append(change.__name__)
    for path in bed.directories:
        if os.path.isdir(path):
            os.rmdir(path)
    bed.directories.clear()
    world.write(bed.root)
    if rng.random() < 0.2 and os.path.isdir(bed.out):
        change = rng.choice(LEFT)
        change(bed, rng)
        bed.log.append(change.__name__)
    arguments = [*world.defines]
    if rng.random() < 0.15:
        arguments += ["--only", rng.choice(list(world.manifest["jobs"]))]
    mine = ["-j", str(rng.randrange(1, 5))]
    prune = rng.random() < 0.4
    mine += ["--prune"] if prune else []
    mine += ["--force"] if rng.random() < 0.05 else []
    if not bed.touched and rng.random() < 0.2:
        mine += ["--trust"]
    how = rng.random()
    before = bed.outputs(bed.out) if os.path.isdir(bed.out) else {}
    bed.log.append(" ".join(arguments + mine))
    if how < 0.1:
        bed.log.append("killed")
        bed.run("run", "--json", *arguments, *mine, kill=rng.random() * 0.03)
        bed.touched = True # what was not yet noted is unknown to the journal
        bed.lossy = True
        mine = [m for m in mine if m != "--trust"]
    want = bed.from_scratch(arguments)
    if bed.directories: # a directory in the way fails
        bed.run("run", "--json", *arguments, *mine)
        bed.touched = True
        return False
    if how > 0.85:
        if staged(bed, arguments, [m for m in mine if m != "--prune"], prune, want, before, rng):
            return want[0] == 0
    got = bed.run("run", "--json", *arguments, *mine)
    if bed.said is not None and got[0] == 0 and "--only" not in arguments and "--trust" not in mine:
        bed.touched = False
    bed.compare(got, want, prune and "--only" not in arguments, before)
    return want[0] == 0


def staged(bed, arguments, mine, prune, want, before, rng):
    """False: nothing came of it."""
    got = bed.run("run", "--json", "--stage", *arguments, *mine)
    if os.path.isdir(bed.out):
        unchanged(bed, before, "staging")
    if got[0] == 2:
        return False
    if got[1] != want[1]:
        raise Wrong("staged, the digest is %s, from scratch %s" % (got[1], want[1]))
    end = rng.choice(("publish", "publish", "drop", "rollback"))
    bed.log.append("stage, " + end)
    if end == "drop":
        bed.run("drop")
        unchanged(bed, before, "dropping")
        return False
    said = bed.run("publish", *(["--prune"] if prune else []))
    bed.compare((got[0], got[1], ""), want, prune and "--only" not in arguments, before)
    if end == "rollback" and said[0] == 0:
        said = bed.run("rollback")
        if said[0] == 0:
            unchanged(bed, before, "publishing and rolling back")
        return False
    return True


def sequence(runner, seed, left_out=(), keep=False):
    """What is wrong, after which step, and where; or None."""
    rng = random.Random("world %d" % seed)
    world = World(rng)
    bed = Bed(runner)
    try:
        for i in range(STEPS + 1):
            if i in left_out:
                continue
            bed.log.append("\n  %d:" % i)
            own = random.Random("step %d of %d" % (i, seed))
            if i == 0:
                world.write(bed.root)
                want = bed.from_scratch([])
                bed.compare(bed.run("run", "--json"), want, True, {})
            else:
                before = copy.deepcopy(world)
                if not step(bed, world, own) and own.random() < 0.7:
                    world = before # what fails hides much
    except Wrong as wrong:
        return "%s\n  after%s" % (wrong, " ".join(bed.log)), i, bed.root
    finally:
        if not keep:
            bed.close()
    return None


def shortest(runner, seed, last):
    """The steps that can be left out while it still fails."""
    out = set(range(last + 1, STEPS + 1))
    for i in range(last):
        if sequence(runner, seed, out | {i}):
            out.add(i)
    return out


def main():
    runner = fault.Runner(__doc__)
    wanted = [int(n) for n in runner.only]
    first = wanted or itertools.count(int(os.environ.get("PRESSRUN_SEED") or 1))
    end = time.monotonic() + SECONDS
    done = failed = 0
    for seed in first:
        if not wanted and done and time.monotonic() > end:
            break
        found = sequence(runner, seed)
        done += 1
        if found:
            failed += 1
            out = shortest(runner, seed, found[1])
            again = sequence(runner, seed, out, keep=bool(wanted)) or found
            print("FAILED sequence %d: %s" % (seed, again[0]))
            if wanted:
                print("  kept in %s" % again[2])
            sys.stdout.flush()
    print("%d sequences, %d failed; runs from scratch: %s" % (
        done, failed, ", ".join("exit %d: %d" % one for one in sorted(CODES.items()))))
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
