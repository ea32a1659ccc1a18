#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at system calls of a run that replaces 200 outputs and a stream.

Afterwards every output is old or new, never a mixture, and nothing outside the output directory has changed. The
next run completes: exit 0, everything new, the digest of an undisturbed run.
"""
import sys

import fault
import workload

# (name, keys of the jobs, options, whether a killed run may leave a mixture until the next run)
WAYS = [
    ("files", "", [], False),
    ("two workers", "", ["-j", "2"], False),
]
FEW = {"files": 40, "two workers": 10}


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
            runner.find(what, *run.incomplete())
    return "%s: %d of %d calls" % (name, hits, total)


def torn(runner):
    """Killed in the middle of a write."""
    with fault.case() as one:
        run = workload.Replacement(runner, one)
        run.reset()
        total = runner.at(one, None, calls="write,pwrite64")[1]["calls"]
        for n in fault.sample(total, 12):
            run.reset()
            done, report = runner.at(one, n, "--tear", calls="write,pwrite64")
            what = "write %d of %d torn" % (n, total)
            runner.find(what, fault.crashed(done, killed=True), *run.mixed(), *one.strayed())
            runner.find(what, *run.incomplete())
    return "torn: %d writes" % total


def main():
    runner = fault.Runner(__doc__)
    if not runner.can_trace():
        print("skipped: tracing is not possible here")
        return fault.SKIPPED
    figures = [check(runner, *way) for way in WAYS if not runner.only or way[0] in runner.only]
    figures.append(torn(runner))
    return runner.finish("; " + "; ".join(figures))


if __name__ == "__main__":
    sys.exit(main())
