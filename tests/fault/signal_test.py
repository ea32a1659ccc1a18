#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGINT and SIGTERM at system calls of a run, at moments by the clock, and twice.

The run ends with 130, or with 0 where it was done; nothing is half-written, a drained run leaves no temporary file.
The next one completes, knows what the interrupted one published, and one more does nothing.
"""
import random
import signal
import subprocess
import sys
import time

import fault
import workload

FILES = 40


def ended(done):
    if done.returncode == 130:
        return "" if b"interrupted" in done.stderr else "130, and not a word:\n" + done.stderr.decode()
    return "" if done.returncode == 0 else fault.crashed(done) or "exit %d\n%s" % (done.returncode, done.stderr.decode())


def left(one):
    return ["%s is left" % path for path in one.temporaries()]


def published(run):
    """How many files of their own are new; a stream is made as a whole."""
    return sum(run.new[name] == data for name, data in run.outputs().items() if name.startswith("d"))


def forgotten(run, known):
    """What the run after an interrupted one made once more."""
    next_one = getattr(run, "next", None)
    if next_one and next_one["up_to_date"] < known:
        return ["%d outputs were new, but the next run knew only %d" % (known, next_one["up_to_date"])]
    return []


def at_calls(runner, number, few, again):
    """One signal at a call, or with `again` one more at each later call."""
    with fault.case() as one:
        run = workload.Replacement(runner, one, n=FILES)
        run.reset()
        total = runner.at(one, None)[1]["calls"]
        codes = {}
        for n in fault.sample(total, few):
            run.reset()
            done, report = runner.at(one, n, "--signal", str(int(number)), *(["--and-after"] if again else []))
            where = "%s%s at call %d of %d (%s)" % (number.name, ", again and again," if again else "", n, total,
                                                    report["hit"])
            early = done.returncode == -number or done.returncode == 128 + number # before anybody listens
            runner.find(where, "" if early else ended(done), *run.mixed(), *([] if again else left(one)), *one.strayed())
            known = 0 if early or again else published(run)
            runner.find(where, *run.incomplete(), *forgotten(run, known))
            codes[done.returncode] = codes.get(done.returncode, 0) + 1
        return codes


def by_the_clock(runner, times):
    """At moments of a longer run with two workers; the same moments every time, as far as a clock goes."""
    moments = random.Random(3)
    with fault.case() as one:
        run = workload.Replacement(runner, one, n=1000)
        run.reset()
        begun = time.monotonic()
        runner.run(one, "-j", "2")
        duration = time.monotonic() - begun
        for i in range(times):
            run.reset()
            runner.runs += 1
            child = subprocess.Popen([runner.pressrun, "run", "-q", "-j", "2"], cwd=one.path, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=runner.environment())
            time.sleep(moments.uniform(0.1, 1.0) * duration)
            number = moments.choice([signal.SIGINT, signal.SIGTERM])
            child.send_signal(number)
            _, stderr = child.communicate(timeout=fault.HANGS)
            done = subprocess.CompletedProcess([], child.returncode, b"", stderr)
            early = child.returncode == -number
            where = "%s at moment %d" % (number.name, i)
            runner.find(where, "" if early else ended(done), *run.mixed(), *left(one), *one.strayed())
            known = 0 if early else published(run)
            runner.find(where, *run.incomplete(), *forgotten(run, known))


def main():
    runner = fault.Runner(__doc__)
    by_the_clock(runner, 200 if fault.ALL else 20)
    if not runner.can_trace():
        print("skipped in part: tracing is not possible here")
        return runner.finish() or fault.SKIPPED
    codes = [at_calls(runner, signal.SIGINT, 12, False), at_calls(runner, signal.SIGTERM, 5, False),
             at_calls(runner, signal.SIGINT, 5, True)]
    return runner.finish("; exit codes " + "; ".join(str(one) for one in codes))


if __name__ == "__main__":
    sys.exit(main())
