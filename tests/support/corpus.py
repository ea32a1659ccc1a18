#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""corpus.py [--pressrun FILE] [--corpus DIR] [NAME]: renders every case of a corpus and compares.

A corpus is what a reference made of hundreds of templates, with a runner of its own; it is not kept here. NAME is that
of its file, jinja-core without it. DIR is PRESSRUN_CONFORMANCE_DIR without the option; where there is none, nothing is
tested and the exit code is 77. Every case must pass, with errors at the reference's file and line and in a template's
own words.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import support

SKIPPED = 77


def run(corpus, name, pressrun):
    """(the runner's last line, the cases that failed)"""
    with tempfile.TemporaryDirectory(prefix="pressrun-corpus-") as scratch:
        failures = os.path.join(scratch, "failures.json")
        done = subprocess.run(
            [sys.executable, os.path.join(corpus, "run_corpus.py"), os.path.join(corpus, name + ".json"),
             "--cmd", pressrun, "--check-error-format", "--check-error-line", "--check-error-text",
             "--no-table", "--show", "0", "--jobs", str(os.cpu_count() or 2), "--timeout", "60", "--failures", failures],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=support.environment())
        if done.returncode not in (0, 1) or not os.path.exists(failures):
            raise SystemExit("the corpus could not be run:\n" + done.stdout)
        with open(failures, encoding="utf-8") as f:
            return done.stdout.strip().split("\n")[-1], json.load(f)


def describe(case):
    lines = ["FAILED %s: %s" % (case["name"], case["reason"])]
    lines += ["    %s: %r" % (name, text) for name, text in case["templates"].items()]
    lines.append("    data: %s" % json.dumps(case["data"], ensure_ascii=False))
    if "expected" in case:
        lines.append("    expected: %r" % case["expected"])
    got = case.get("actual", {})
    return "\n".join(lines + ["    %s: %r" % (key, got[key]) for key in ("rc", "stdout", "stderr") if key in got])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pressrun", default=support.default_pressrun())
    parser.add_argument("--corpus", default=os.environ.get("PRESSRUN_CONFORMANCE_DIR", ""))
    parser.add_argument("name", nargs="?", default="jinja-core")
    arguments = parser.parse_args()
    if not os.path.exists(os.path.join(arguments.corpus, "run_corpus.py")):
        print("skipped: there is no corpus at %r (PRESSRUN_CONFORMANCE_DIR)" % arguments.corpus)
        return SKIPPED
    last, failures = run(arguments.corpus, arguments.name, os.path.abspath(arguments.pressrun))
    for case in failures:
        print(describe(case))
    print(last)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
