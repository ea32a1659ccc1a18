#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The journal of a real run: cut at every byte, every bit flipped, blocks lost, an older one put back.

With and without changed records, the next run makes what should be there, with the digest of a run that knows nothing,
and says what it found; the one after that does nothing. PRESSRUN_FAULT_ALL=1 tries every byte and every bit.
"""
import json
import os
import random
import shutil
import sys

import fault
import workload

MANIFEST = """
sources: { records: { path: records.jsonl, key: id } }
jobs:
  files: { from: records, template: card.j2, to: "d/{{ id }}.txt" }
  groups: { from: records, group_by: kind, template: group.j2, to: "{{ group }}.txt" }
  stream: { from: records, template: card.j2, to: all.txt }
"""
HEADER, UNIT = 64, 4
CUTS, FLIPS, LOSSES = (20, 20, 8) if not fault.ALL else (1 << 20, 1 << 20, 2000)


def make(version, job, n):
    assert not job
    return {"pressrun.yaml": MANIFEST, "card.j2": "{{ id }} {{ word }}\n",
            "group.j2": "{% for r in records %}{{ r.word }} {% endfor %}",
            "records.jsonl": "".join(json.dumps({"id": i, "kind": "ab"[i % 2], "word": version if i % 3 == 0 else "same"}) +
                                     "\n" for i in range(n))}


class Remembered(workload.Replacement):
    """Old outputs with their journal, brought back as they were: same files, same times."""

    make = staticmethod(make)

    def check(self):
        assert len(self.old) == len(self.new) == self.n + 3

    def keep(self):
        self.reset()
        self.journal = self.one.journal().read_bytes()
        self.kept = self.one.root / "kept"
        shutil.copytree(self.one.out, self.kept, copy_function=os.link, ignore=shutil.ignore_patterns(".pressrun"))
        self.kept_files = [os.path.relpath(os.path.join(path, name), self.kept)
                           for path, _, names in os.walk(self.kept) for name in names]

    def back(self, journal, version):
        """The old outputs, this journal, and records that have changed or not."""
        shutil.rmtree(self.one.out)
        for name in self.kept_files:
            (self.one.out / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(self.kept / name, self.one.out / name)
        self.one.journal().parent.mkdir(exist_ok=True)
        self.one.journal().write_bytes(journal)
        self.one.fill({"records.jsonl": self.sources[version]["records.jsonl"]})
        self.want = self.old if version == "old" else self.new

    def wrong(self, digest):
        done = self.runner.run(self.one, command=("run", "-j", "1"))
        now = self.outputs()
        self.said = done.stderr.decode()
        self.digest = digest
        return ([fault.crashed(done) or "exit %d\n%s" % (done.returncode, self.said)] if done.returncode else []) + \
            ["%s is not as it should be" % name for name in self.want if now.get(name) != self.want[name]][:3] + self.busy()


def last_record(journal):
    """Where it begins: what comes from there on is a torn end, not damage."""
    at = last = HEADER
    while at < len(journal):
        last = at
        at += int.from_bytes(journal[at + 10:at + 12], "little") * UNIT
    assert at == len(journal)
    return last


def damages(journal, older):
    """(what, the journal then, whether it is to be told of)"""
    last = last_record(journal)
    for n in fault.sample(len(journal), CUTS):
        yield "cut to %d" % (n - 1), journal[:n - 1], None
    for n in fault.sample(len(journal) * 8, FLIPS, seed=2):
        at, bit = (n - 1) // 8, (n - 1) % 8
        flipped = journal[:at] + bytes([journal[at] ^ 1 << bit]) + journal[at + 1:]
        yield "bit %d of byte %d flipped" % (bit, at), flipped, at < last
    choice = random.Random(4)
    for i in range(LOSSES):
        at, n = choice.randrange(len(journal)), choice.choice([1, 4, 16, 64, 512])
        lost = [bytes(n), b"", choice.randbytes(n), journal[:n], older[at:at + n]][i % 5]
        yield "%d bytes at %d lost, %d instead" % (n, at, len(lost)), journal[:at] + lost + journal[at + n:], None
    yield "an older one", older, None
    yield "twice", journal + journal, None
    yield "its records twice", journal + journal[HEADER:], None
    yield "empty", b"", None


def main():
    runner = fault.Runner(__doc__)
    with fault.case() as one:
        run = Remembered(runner, one, n=6)
        digests = {"new": run.digest}
        run.keep()
        run.back(b"", "old")
        digests["old"] = fault.last_line(runner.run(one))["digest"]
        runner.run(one, "--force") # one run later: all that is said of the outputs is outdated
        older = one.journal().read_bytes()
        tried = told = 0
        for what, journal, tells in damages(run.journal, older):
            for version in ("new", "old") if not fault.ALL or tried % 8 == 0 else ("new",):
                run.back(journal, version)
                wrong = run.wrong(digests[version])
                said = "journal" in run.said
                told += said
                tried += 1
                runner.find("%s, %s records" % (what, version), *wrong, *one.strayed(),
                            "and not a word" if tells and not said else "")
        kept = {name: (run.kept / name).read_bytes() for name in run.kept_files}
        assert kept == run.old # nothing was written through a link
    return runner.finish("; %d damaged journals of %d bytes, %d told of" % (tried, len(run.journal), told))


if __name__ == "__main__":
    sys.exit(main())
