#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""golden_jobs.py [--pressrun FILE]: the golden cases as jobs of `pressrun run`, from -j 1 to -j 8.

Every case of tests/golden becomes a job with a source of its own, which holds the case's data many times, in lines so
long that they make several batches; cases with the same options share a manifest as long as their templates' names
differ. Whatever the number of workers, a job must write what the case expects for each record, digests must be equal,
and of each job the same failures must be told in the same bytes and order (jobs over different sources fail
independently of each other). Cases that cannot be compiled have no outputs and are left out,
and so are those whose data is no record.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

import golden
import support

RECORDS = 40
LINE = 16 << 10  # bytes; a batch is 256 KiB, so a source makes three
WORKERS = (1, 2, 4, 8)


def first_message(expected_error):
    return re.match(rb".*?: error: (.*)", expected_error).group(1).decode()


class Case:
    def __init__(self, name):
        folder = os.path.join(golden.ROOT, name)
        self.name = name
        self.flags = tuple(shlex.split((golden.read(os.path.join(folder, "options")) or b"").decode()))
        self.expected = golden.read(os.path.join(folder, "expected"))
        error = golden.read(os.path.join(folder, "expected-error"))
        self.message = first_message(error) if error else None
        self.compiles = not error or error.endswith(b"[exit 1]\n")
        self.files = {}
        for root, _, names in os.walk(folder):
            for file in names:
                path = os.path.relpath(os.path.join(root, file), folder)
                if path not in ("options", "expected", "expected-error", "data.json"):
                    self.files[path] = golden.read(os.path.join(root, file))
        self.main = golden.main_of(folder)
        if not any(self.main.encode() in text for text in self.files.values()):
            own = name + os.path.splitext(self.main)[1]
            self.files[own] = self.files.pop(self.main)
            self.main = own
        # Strings in JSON have no line ends of their own, so this changes nothing but the layout.
        data = golden.read(os.path.join(folder, "data.json")) or b"{}"
        self.record = data.replace(b"\r", b" ").replace(b"\n", b" ").strip()

    def differs(self, files):
        return any(files.get(path, text) != text for path, text in self.files.items())


class Group:
    """Cases that one manifest can hold."""

    def __init__(self, flags):
        self.flags, self.cases, self.files = flags, [], {}

    def add(self, case):
        self.cases.append(case)
        self.files.update(case.files)

    def manifest(self):
        jinja = {name: "--" + name.replace("_", "-") in self.flags
                 for name in ("trim_blocks", "lstrip_blocks", "keep_trailing_newline", "autoescape", "chat")}
        environment = [name for flag, name in zip(self.flags, self.flags[1:]) if flag == "--environment"]
        undefined = self.flags[self.flags.index("--undefined") + 1] if "--undefined" in self.flags else "default"
        return {"sources": {case.name: {"path": case.name + ".jsonl"} for case in self.cases},
                "jobs": {case.name: {"from": case.name, "template": case.main, "to": case.name + ".txt"}
                         for case in self.cases},
                "environment": environment, "jinja": jinja, "undefined": undefined}

    def write(self, directory):
        for path, text in self.files.items():
            path = os.path.join(directory, "templates", path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(text)
        for case in self.cases:
            with open(os.path.join(directory, case.name + ".jsonl"), "wb") as f:
                f.write((case.record.ljust(LINE) + b"\n") * RECORDS)
        with open(os.path.join(directory, "pressrun.json"), "w", encoding="utf-8") as f:
            json.dump(self.manifest(), f)


def grouped(cases):
    groups = []
    for case in cases:
        for group in groups:
            if group.flags == case.flags and not case.differs(group.files):
                break
        else:
            group = Group(case.flags)
            groups.append(group)
        group.add(case)
    return groups


def run(pressrun, directory, workers):
    """(the digest, {job: lines of failures}, {output: bytes}) of a run"""
    out = "out%d" % workers
    done = subprocess.run([pressrun, "run", "-q", "--json", "-j", str(workers), "-o", out], cwd=directory,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=support.TIMEOUT, env=support.environment(SOURCE_DATE_EPOCH=golden.NOW))
    if done.returncode not in (0, 1):
        raise SystemExit("exit code %d:\n%s" % (done.returncode, done.stderr.decode(errors="replace")))
    report = json.loads(done.stdout)
    failures = {}
    for line in (golden.read(os.path.join(directory, out, ".pressrun", "errors.jsonl")) or b"").splitlines():
        failures.setdefault(json.loads(line)["job"], []).append(line)
    outputs = {name[:-4]: golden.read(os.path.join(directory, out, name))
               for name in os.listdir(os.path.join(directory, out)) if name.endswith(".txt")}
    return report["digest"], failures, outputs


def check_outputs(case, outputs, failures):
    """What is wrong with what one run made of a case, as text."""
    if case.message is None:
        return support.difference(case.name, case.expected * RECORDS, outputs.get(case.name, b""))
    messages = [failure["message"] for failure in map(json.loads, failures.get(case.name, [])) if "record" in failure]
    return support.difference(case.name, "\n".join([case.message] * RECORDS).encode(), "\n".join(messages).encode())


def check_group(pressrun, group):
    """[what is wrong] with a group: the first run against what is expected, the others against the first."""
    with tempfile.TemporaryDirectory(prefix="pressrun-golden-") as directory:
        group.write(directory)
        first = run(pressrun, directory, WORKERS[0])
        wrong = [text for text in (check_outputs(case, first[2], first[1]) for case in group.cases) if text]
        for workers in WORKERS[1:]:
            again = run(pressrun, directory, workers)
            for what, one, other in zip(("digest", "failures", "outputs"), first, again):
                if one != other:
                    wrong.append("    the %s of -j %d and -j %d differ\n" % (what, WORKERS[0], workers))
        return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pressrun", default=support.default_pressrun())
    pressrun = os.path.abspath(parser.parse_args().pressrun)
    names = sorted(d for d in os.listdir(golden.ROOT) if os.path.isdir(os.path.join(golden.ROOT, d)))
    cases = [case for case in map(Case, names) if case.compiles and case.record.startswith(b"{")]
    groups = grouped(cases)
    wrong = []
    for group in groups:
        found = check_group(pressrun, group)
        if found:
            print("FAILED %s" % (" ".join(group.flags) or "without options"))
            print("".join(found), end="")
        wrong += found
    print("%d cases in %d manifests, %d records each, -j %s; %d wrong" %
          (len(cases), len(groups), RECORDS, " ".join(map(str, WORKERS)), len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
