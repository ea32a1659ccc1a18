#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at random moments, time and again, always going on with what the last kill left; sources change meanwhile.

After each kill every output, and every row of a database, is as some run would have made it. In the end a run
completes: the outputs and the digest of one that nobody disturbed; a further one does nothing. An output that a run made
just before it was killed, and that no later one makes, may stay: the journal does not know it.
PRESSRUN_FAULT_ALL=1: 200 kills of a run over 20,000 records, else 12 of one over 1,000.
"""
import hashlib
import random
import subprocess
import sys
import time

import fault
import workload

RECORDS, KILLS = (20000, 200) if fault.ALL else (1000, 12)
LOOK_EVERY = 10 if fault.ALL else 1 # kills
SOURCES = 8 if fault.ALL else 3


def short(data):
    return hashlib.blake2b(data if isinstance(data, bytes) else data.encode(), digest_size=8).digest()


class Work(workload.Rich):
    """The same jobs; the n-th source differs from the others in a few records, some are missing, others are there."""

    def __init__(self, runner, one):
        self.runner, self.one, self.arguments = runner, one, ["--prune"]

    def fill(self, n):
        self.one.fill(self.files(n))

    @staticmethod
    def files(n):
        files = workload.rich_files("old", n=RECORDS)
        lines = files["records.jsonl"].splitlines(keepends=True)
        choice = random.Random(n)
        for i in choice.sample(range(len(lines)), len(lines) // 4 if n else 0):
            lines[i] = choice.choice([lines[i].replace('"old"', '"%d"' % n), lines[i].replace('"any"', '"%d"' % n),
                                      lines[i].replace('"kind": "k', '"kind": "x'), ""])
        return dict(files, **{"records.jsonl": "".join(lines)})

    def outputs(self):
        """Rows one by one: those that nobody makes any more stay in their table."""
        now = {name: data for name, data in self.one.outputs().items() if ".sqlite" not in name}
        if (self.one.out / "t" / "rows.sqlite").exists():
            rows = workload.rows_of(self.one.out / "t" / "rows.sqlite")
            now.update(("row %d" % key, version) for key, version in rows.items())
        return now


def undisturbed(runner):
    """By number of the source: its digest and {path: hash of what is in it}; and how long a run takes."""
    made, seconds = [], 0
    for n in range(SOURCES):
        with fault.case() as one:
            work = Work(runner, one)
            work.fill(n)
            begun = time.monotonic()
            digest = work.idle()["digest"]
            seconds = time.monotonic() - begun
            made.append((digest, {path: short(data) for path, data in work.outputs().items()}))
    return made, seconds


def unknown(work, made):
    """Outputs that no source leads to."""
    known = {}
    for _, outputs in made:
        for path, data in outputs.items():
            known.setdefault(path, set()).add(data)
    return ["%s is as no run makes it" % path for path, data in work.outputs().items()
            if not path.endswith(fault.TEMPORARY) and short(data) not in known.get(path, ())]


def kill_once(runner, work, moment, options):
    """Whether it was still running."""
    runner.runs += 1
    child = subprocess.Popen([runner.pressrun, "run", "-q", *options], cwd=work.one.path, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=runner.environment())
    time.sleep(moment)
    child.kill()
    _, stderr = child.communicate(timeout=fault.HANGS)
    runner.find("a run that was to be killed", *(["exit %d\n%s" % (child.returncode, stderr.decode())]
                                                 if child.returncode not in (0, -9) else []))
    return child.returncode == -9


def main():
    runner = fault.Runner(__doc__)
    choice = random.Random(6)
    made, seconds = undisturbed(runner)
    with fault.case() as one:
        work, source, killed, changes = Work(runner, one), 0, 0, 0
        work.fill(source)
        while killed < KILLS and changes < 2 * KILLS:
            options = choice.choice([["-j", "1"], ["-j", "2"], ["-j", "2", "--prune"], ["-j", "1", "--durable"]])
            running = kill_once(runner, work, choice.uniform(0, 1) * seconds, options)
            killed += running
            seconds *= 1.1 if running else 0.8 # most are to be hit, whatever they have to do
            if not running or choice.random() < 0.1:
                source, changes = (source + choice.randrange(1, SOURCES)) % SOURCES, changes + 1
                work.fill(source)
            if runner.runs % LOOK_EVERY == 0:
                runner.find("after kill %d" % killed, *unknown(work, made)[:3], *one.strayed())
        last = work.idle()
        outputs = {path: short(data) for path, data in work.outputs().items()
                   if path in made[source][1] or not path.startswith("row ")}
        work.digest, work.up_to_date = made[source][0], last["up_to_date"] + last["rendered"]
        wrong = [path for path, data in made[source][1].items() if outputs.get(path) != data]
        stay = [path for path in outputs if path not in made[source][1]]
        runner.find("in the end", "" if last["digest"] == made[source][0] else "another digest",
                    *(path + " is not as it should be" for path in wrong[:3]), *unknown(work, made)[:3], *work.busy(),
                    *one.strayed(), *(path + " is left" for path in one.temporaries()))
        if stay:
            runner.notes.append("%d outputs that no journal knows: %s" % (len(stay), " ".join(stay[:5])))
    return runner.finish("; %d kills, sources changed %d times; %d outputs" % (killed, changes, len(outputs)))


if __name__ == "__main__":
    sys.exit(main())
