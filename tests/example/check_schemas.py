#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_schemas.py PRESSRUN EXAMPLE DATABASE...: the models example's templates over other databases than its own. Nothing
fails, every foreign key is one pair of relations, and what is made is TypeScript as `tsc --strict` takes it.

check_models.py does the same with databases that tests/support/schemas.py makes.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(HERE, os.pardir, "support")
sys.path.insert(0, SUPPORT)
import relations  # noqa: E402
import schemas  # noqa: E402
import support  # noqa: E402

AT_ONCE = 50  # databases in one run
FILTERS = ("type_name", "property", "member", "label", "cell")


def manifest(databases):
    text = ["undefined: strict", "jinja: { trim_blocks: true, lstrip_blocks: true, keep_trailing_newline: true }", "filters:"]
    text += ["  %s: names.j2:%s" % (name, name) for name in FILTERS]
    text.append("sources:")
    text += ["  %s: { path: %s, schema: true }" % (name, json.dumps(path)) for name, path in databases.items()]
    text.append("jobs:")
    for name in databases:
        text += ["  %s-models: { from: %s, template: model.ts.j2, to: '%s/models/{{ class_name|type_name }}.ts' }" % (name, name, name),
                 "  %s-records: { from: %s, template: record.j2, to: %s/records.jsonl, raw: true }" % (name, name, name)]
        text += ["  %s-%s: { from: %s, collect: true, template: %s.j2, to: %s/%s }" % (name, made, name, made + kind, name, made + kind)
                 for made, kind in (("support", ".ts"), ("index", ".ts"), ("dictionary", ".md"))]
    return "\n".join(text) + "\n"


def read_records(out, name):
    file = os.path.join(out, name, "records.jsonl")  # no tables, no records
    with open(file if os.path.exists(file) else os.devnull, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def run(pressrun, project, out, databases):
    with open(os.path.join(project, "pressrun.yaml"), "w", encoding="utf-8") as file:
        file.write(manifest(databases))
    done = subprocess.run([pressrun, "run", "--json", "-C", project, "-o", out], capture_output=True, text=True,
                          env=support.environment())
    report = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    assert done.returncode == 0 and report["failed"] == 0, (done.returncode, done.stderr)


def make(pressrun, example, scratch, out, databases):
    """Makes in `out`, for each of the databases ({name: path}), what the example makes. How many records and pairs there are."""
    project = os.path.join(scratch, "project")
    shutil.copytree(os.path.join(example, "templates"), os.path.join(project, "templates"))
    with open(os.path.join(project, "templates", "record.j2"), "w", encoding="utf-8") as file:
        file.write(relations.TEMPLATE)
    counts, faults = [0, 0], []
    for first in range(0, len(databases), AT_ONCE):
        some = dict(list(databases.items())[first:first + AT_ONCE])
        run(pressrun, project, out, some)
        for name, path in some.items():
            records = read_records(out, name)
            try:
                counts[1] += relations.check(path, records)
            except AssertionError as error:
                faults.append("%s: %s" % (name, error))
            counts[0] += len(records)
    assert not faults, "%d of %d databases:\n%s" % (len(faults), len(databases), "\n".join(faults))
    return counts


def make_generated(pressrun, example, scratch, out, number):
    """The same with so many databases that nobody would design."""
    databases = {"s%03d" % seed: os.path.join(scratch, "s%03d.db" % seed) for seed in range(number)}
    for seed, path in enumerate(databases.values()):
        schemas.make(path, seed)
    return make(pressrun, example, scratch, out, databases)


def typescript(verb, *places):
    """Whether there is TypeScript here, and what it said."""
    if not shutil.which("node"):
        return False, "no node: the TypeScript is not checked"
    done = subprocess.run(["node", os.path.join(SUPPORT, "typescript.js"), verb, *places], capture_output=True, text=True)
    assert done.returncode in (0, 77), done.stdout + done.stderr
    return done.returncode == 0, done.stdout.strip()


def main():
    pressrun, example = map(os.path.abspath, sys.argv[1:3])
    databases = {"d%d" % i: os.path.abspath(path) for i, path in enumerate(sys.argv[3:])}
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "out")
        tables, pairs = make(pressrun, example, scratch, out, databases)
        told = typescript("check", out)[1]
    print("%d tables and views, %d pairs; %s" % (tables, pairs, told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
