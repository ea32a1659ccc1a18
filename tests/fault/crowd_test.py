#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many processes in one cache directory, killed at random moments, while others clean, clear and repair it.

No value is ever another than the one its key stands for; runs that share it make what they should. Of the processes half
work on the packs alone and half are runs whose outputs pass through a filter. PRESSRUN_FAULT_ALL=1: 16 processes for 60
seconds, else 8 for 3.
"""
import json
import random
import subprocess
import sys
import time

import fault

PROCESSES, SECONDS = (16, 60) if fault.ALL else (8, 3)
RECORDS = 40
MANIFEST = """
sources: { records: { path: records.jsonl } }
jobs:
  loud: { from: records, template: t.j2, to: "{{ id }}.txt", through: { command: [tr, a-z, A-Z] } }
"""


def words(i):
    return "record %d, %s" % (i, "word " * (i % 13))


def files():
    return {"pressrun.yaml": MANIFEST, "t.j2": "{{ text }}\n",
            "records.jsonl": "".join(json.dumps({"id": i, "text": words(i)}) + "\n" for i in range(RECORDS))}


class Crowd:
    def __init__(self, runner, one, until):
        self.runner, self.one, self.until = runner, one, until
        self.choice = random.Random(8)
        self.packs = one.path / "out" / "packs"
        self.shared = one.path / "out" / "shared"
        self.packs.mkdir(parents=True)
        self.shared.mkdir()
        self.killed = self.ended = self.number = 0
        self.gets = self.hits = self.puts = 0

    def command(self, i):
        """What the i-th of the crowd does next, and where a run writes to."""
        seconds = min(self.choice.uniform(0.3, 4), max(self.until - time.monotonic(), 0.2))
        if i % 2:
            return [self.runner.cache_crowd, str(self.packs), "work", "%.2f" % seconds, str(self.number)], None
        what = self.choice.random()
        if what < 0.15:
            return [self.runner.pressrun, "cache", *self.choice.choice([["gc"], ["verify"], ["verify", "--repair"], ["stats"],
                                                                        ["clear"]])], None
        out = self.one.out / ("run-%d" % self.number)
        return [self.runner.pressrun, "run", "-q", "-j", "2", "--force", "-o", str(out)], out

    def begin(self, i):
        self.number += 1
        command, out = self.command(i)
        child = subprocess.Popen(command, cwd=self.one.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.runner.environment(PRESSRUN_CACHE_DIR=str(self.shared)))
        return child, command[1:], out

    def end(self, child, command, out, killed=False):
        stdout, stderr = child.communicate(timeout=fault.HANGS)
        self.runner.runs += 1
        self.killed += child.returncode == -9
        self.ended += child.returncode == 0
        allowed = (0, -9) if killed else (0, 1) if "verify" in command else (0,)
        self.runner.find(" ".join(command), "" if child.returncode in allowed and b"anitizer" not in stderr else
                         "exit %d\n%s" % (child.returncode, (stdout + stderr).decode("utf-8", "replace")[:1500]))
        if child.returncode == 0 and out:
            wrong = [i for i in range(RECORDS) if (out / ("%d.txt" % i)).read_text() != words(i).upper()]
            self.runner.find(" ".join(command), *("%d.txt is wrong" % i for i in wrong[:3]))
        elif child.returncode == 0 and "work" in command:
            self.gets, self.hits, self.puts = (a + b for a, b in zip((self.gets, self.hits, self.puts),
                                                                     map(int, stdout.split())))

    def work(self):
        crowd = [self.begin(i) for i in range(PROCESSES)]
        while time.monotonic() < self.until:
            time.sleep(self.choice.uniform(0, 0.1))
            victim = self.choice.randrange(PROCESSES) if self.choice.random() < 0.4 else -1
            for i, member in enumerate(crowd):
                if i == victim:
                    member[0].kill()
                if i == victim or member[0].poll() is not None:
                    self.end(*member, killed=i == victim)
                    crowd[i] = self.begin(i)
        for member in crowd:
            self.end(*member)


def main():
    runner = fault.Runner(__doc__)
    with fault.case(files()) as one:
        crowd = Crowd(runner, one, time.monotonic() + SECONDS)
        crowd.work()
        for command in ([runner.cache_crowd, str(crowd.packs), "check"], [runner.pressrun, "cache", "verify", "--repair"],
                        [runner.pressrun, "cache", "verify"]):
            done = subprocess.run(command, cwd=one.path, capture_output=True, timeout=fault.HANGS,
                                  env=runner.environment(PRESSRUN_CACHE_DIR=str(crowd.shared)))
            repairs = "--repair" in command
            runner.find(" ".join(command[1:]), "" if done.returncode == 0 or repairs and done.returncode == 1 else
                        "exit %d\n%s" % (done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")[:1500]))
        runner.find("the crowd", *one.strayed())
    return runner.finish("; %d ended, %d killed; %d looked up in packs, %d found, %d put" % (
        crowd.ended, crowd.killed, crowd.gets, crowd.hits, crowd.puts))


if __name__ == "__main__":
    sys.exit(main())
