#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at system calls of a run that replaces 200 outputs and a stream, and has a journal of the run that made them.

Afterwards every output is old or new, never a mixture, and nothing outside the output directory has changed. The
next run completes: exit 0, everything new, the digest of an undisturbed run, no temporary file left. A further one does
nothing. Files that are written in place may be a mixture until the next run. Of a database every row is old or new.
"""
import sys

import fault
import workload

# name: (workload, keys of the jobs, options, whether a killed run may leave a mixture, how many calls as a rule)
WAYS = {
    "files": (workload.Replacement, "", [], False, 20),
    "two workers": (workload.Replacement, "", ["-j", "2"], False, 5),
    "durable": (workload.Replacement, "", ["--durable"], False, 6),
    "in place": (workload.Replacement, ", write: inplace", [], True, 12),
    "in place, durable": (workload.Replacement, ", write: inplace", ["--durable"], True, 5),
    "all kinds of jobs": (workload.Rich, "", [], False, 6),
    "pruning, two workers": (workload.Rich, "", ["--prune", "-j", "2"], False, 8),
    "pruning, durable": (workload.Rich, "", ["--prune", "--durable"], False, 4),
    "compaction": (workload.Compacting, "", ["-j", "2"], False, 2),
}
LAST_CALLS = 60 # of a run: what is to be remembered of it


def check(runner, name, make, job, arguments, may_mix, few):
    with fault.case() as one:
        run = make(runner, one, job, arguments)
        run.reset()
        done, report = runner.at(one, None, arguments=arguments)
        runner.find(name, fault.crashed(done))
        total, hits = report["calls"], 0
        assert total > 3 * workload.FILES, report
        last = [total - LAST_CALLS + n for n in fault.sample(LAST_CALLS, few)]
        for n in sorted(set(fault.sample(total, few) + last)):
            run.reset()
            done, report = runner.at(one, n, arguments=arguments)
            what = "%s, killed at call %d of %d (%s)" % (name, n, total, report["hit"])
            hits += report["hit"] is not None
            runner.find(what, fault.crashed(done, killed=True), *([] if may_mix else run.mixed()), *one.strayed())
            runner.find(what, *run.incomplete(), *leftovers(one))
    return "%s: %d of %d calls" % (name, hits, total)


def leftovers(one):
    return ["%s is still there after the next run" % path for path in one.temporaries()] + \
        ["the next run leaves journal.new"] * (one.out / ".pressrun" / "journal.new").exists()


def torn(runner):
    """Killed in the middle of a write; of what is written to the journal, in each."""
    hits = 0
    for name, make, job, on, few in (("files", workload.Replacement, "", None, 8),
                                     ("in place", workload.Replacement, ", write: inplace", None, 8),
                                     ("the journal", workload.Rich, "", ".pressrun/journal", 24),
                                     ("a new journal", workload.Compacting, "", ".pressrun/journal.new", 24)):
        with fault.case() as one:
            run = make(runner, one, job)
            run.reset()
            total = runner.at(one, None, calls="write,pwrite64", on=on)[1]["calls"]
            assert total > 0
            for n in fault.sample(total, few):
                run.reset()
                done, report = runner.at(one, n, "--tear", calls="write,pwrite64", on=on)
                hits += report["hit"] is not None
                what = "%s, write %d of %d torn" % (name, n, total)
                runner.find(what, fault.crashed(done, killed=True), *([] if job else run.mixed()), *one.strayed())
                runner.find(what, *run.incomplete(), *leftovers(one))
    return "torn: %d writes" % hits


def again_and_again(runner):
    """The run after a killed one is killed too, and the one after that."""
    for make, job in ((workload.Replacement, ", write: inplace"), (workload.Rich, "")):
        with fault.case() as one:
            run = make(runner, one, job)
            run.reset()
            total = runner.at(one, None)[1]["calls"]
            for first, second, third in zip(*(fault.sample(total, 4, seed) for seed in (5, 6, 7))):
                run.reset()
                what = "killed at calls %d, %d and %d" % (first, second, third)
                for n in (first, total + 1 - second, third):
                    done, _ = runner.at(one, n)
                    runner.find(what, fault.crashed(done, killed=True), *one.strayed())
                runner.find(what, *run.incomplete(), *leftovers(one))


def there_and_back(runner):
    """The records that were changed are changed back after the kill: what is old again is made again."""
    for make, options in ((workload.Replacement, []), (workload.Rich, ["-j", "2"])):
        with fault.case() as one:
            run = make(runner, one, "", options)
            run.reset()
            for calls, on, few in (("all", None, 4), ("write", ".pressrun/journal", 24)):
                run.reset()
                total = runner.at(one, None, arguments=options, calls=calls, on=on)[1]["calls"]
                for n in fault.sample(total, few):
                    run.reset()
                    done, report = runner.at(one, n, arguments=options, calls=calls, on=on)
                    what = "killed at %s call %d of %d, and back" % (calls, n, total)
                    runner.find(what, fault.crashed(done, killed=True), *run.not_gone_back(*["--trust"] * (n % 2)), *leftovers(one))


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
    figures = [check(runner, name, *way) for name, way in WAYS.items() if not runner.only or name in runner.only]
    for part in (torn, again_and_again, there_and_back, database):
        if not runner.only or part.__name__ in runner.only:
            figures.append(part(runner))
    return runner.finish("; " + "; ".join(filter(None, figures)))


if __name__ == "__main__":
    sys.exit(main())
