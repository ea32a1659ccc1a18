#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at system calls of a run that replaces 200 outputs and a stream.

Afterwards every output is old or new, never a mixture, and nothing outside the output directory has changed. The
next run completes: exit 0, everything new, the digest of an undisturbed run, no temporary file left. Files that are
written in place may be a mixture until the next run. Of a database every row is old or new.
"""
import sys

import fault
import workload

# (name, keys of the jobs, options, whether a killed run may leave a mixture until the next run)
WAYS = [
    ("files", "", [], False),
    ("two workers", "", ["-j", "2"], False),
    ("durable", "", ["--durable"], False),
    ("in place", ", write: inplace", [], True),
    ("in place, durable", ", write: inplace", ["--durable"], True),
]
FEW = {"files": 30, "two workers": 6, "durable": 8, "in place": 15, "in place, durable": 5}


def check(runner, name, job, arguments, may_mix):
    with fault.case() as one:
        run = workload.Replacement(runner, one, job, arguments)
        run.reset()
        done, report = runner.at(one, None, arguments=arguments)
        runner.find(name, fault.crashed(done))
        total, hits = report["calls"], 0
        assert total > 3 * workload.FILES, report
        for n in fault.sample(total, FEW[name]):
            run.reset()
            done, report = runner.at(one, n, arguments=arguments)
            what = "%s, killed at call %d of %d (%s)" % (name, n, total, report["hit"])
            hits += report["hit"] is not None
            runner.find(what, fault.crashed(done, killed=True), *([] if may_mix else run.mixed()), *one.strayed())
            runner.find(what, *run.incomplete(), *leftovers(one))
    return "%s: %d of %d calls" % (name, hits, total)


def leftovers(one):
    return ["%s is still there after the next run" % path for path in one.temporaries()]


def torn(runner):
    """Killed in the middle of a write."""
    hits = 0
    for name, job, may_mix, few in (("files", "", False, 8), ("in place", ", write: inplace", True, 8)):
        with fault.case() as one:
            run = workload.Replacement(runner, one, job)
            run.reset()
            total = runner.at(one, None, calls="write,pwrite64")[1]["calls"]
            for n in fault.sample(total, few):
                run.reset()
                done, report = runner.at(one, n, "--tear", calls="write,pwrite64")
                hits += report["hit"] is not None
                what = "%s, write %d of %d torn" % (name, n, total)
                runner.find(what, fault.crashed(done, killed=True), *([] if may_mix else run.mixed()), *one.strayed())
                runner.find(what, *run.incomplete(), *leftovers(one))
    return "torn: %d writes" % hits


def again_and_again(runner):
    """The run after a killed one is killed too, and the one after that."""
    with fault.case() as one:
        run = workload.Replacement(runner, one, ", write: inplace")
        run.reset()
        total = runner.at(one, None)[1]["calls"]
        for first, second, third in zip(*(fault.sample(total, 4, seed) for seed in (5, 6, 7))):
            run.reset()
            what = "killed at calls %d, %d and %d" % (first, second, third)
            for n in (first, total + 1 - second, third):
                done, _ = runner.at(one, n)
                runner.find(what, fault.crashed(done, killed=True), *one.strayed())
            runner.find(what, *run.incomplete(), *leftovers(one))


def database(runner):
    """Killed at a call, read by somebody else, or not; and run again."""
    with fault.case() as one:
        run = workload.Rows(runner, one)
        run.reset()
        total = runner.at(one, None)[1]["calls"]
        for n in fault.sample(total, 12):
            run.reset()
            done, report = runner.at(one, n)
            what = "a database, killed at call %d of %d (%s)" % (n, total, report["hit"])
            runner.find(what, fault.crashed(done, killed=True), *one.strayed(), *(run.mixed() if n % 2 else []))
            runner.find(what, *run.incomplete(), *leftovers(one))
    return "database: %d calls" % total


def main():
    runner = fault.Runner(__doc__)
    if not runner.can_trace():
        print("skipped: tracing is not possible here")
        return fault.SKIPPED
    figures = [check(runner, *way) for way in WAYS if not runner.only or way[0] in runner.only]
    for part in (torn, again_and_again, database):
        if not runner.only or part.__name__ in runner.only:
            figures.append(part(runner))
    return runner.finish("; " + "; ".join(filter(None, figures)))


if __name__ == "__main__":
    sys.exit(main())
