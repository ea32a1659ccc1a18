#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Staging, publishing and rolling back, disturbed: killed at system calls, calls that fail once or from then on, two at
the same time.

While it is staged nothing that is published changes. Afterwards every output is old or new, and whoever comes next
finishes: all are new, or all are old, and the journal knows them so that a further run makes nothing. Where a call
fails nothing is published, or it is told that some is.
"""
import errno
import os
import shutil
import subprocess
import sys

import fault

COUNT = 20
BOOKS = ("journal", "lock", "changes", "generation.json", "prune") # are written to; the rest is only moved
MANIFEST = """
sources: { records: { path: records.jsonl, key: id } }
jobs:
  files: { from: records, template: card.j2, to: "d{{ id % 5 }}/{{ id }}.txt" }
  stream: { from: records, template: card.j2, to: all.jsonl }
"""
PUBLISH, ROLLBACK = ("publish", "--prune", "--json"), ("rollback", "-q", "--json")
STAGE, RUN = ("run", "-q", "--json", "-j", "1", "--stage"), ("run", "-q", "--json", "-j", "1")
FEW = 25


def records(version, ids):
    return "".join('{"id": %d, "version": "%s"}\n' % (i, version) for i in ids)


class Review:
    """A case whose outputs are old, with a stage of new ones: two are added, two do not belong any more."""

    def __init__(self, runner, one):
        self.runner, self.one = runner, one
        one.fill({"pressrun.yaml": MANIFEST, "templates/card.j2": "{{ version }} {{ id }}",
                  "records.jsonl": records("old", range(COUNT))})
        self.well(RUN)
        self.old = one.outputs()
        one.fill({"records.jsonl": records("new", range(2, COUNT + 2))})
        self.snapshots = {"old": self.keep("old")}
        self.well(STAGE)
        self.snapshots["staged"] = self.keep("staged")
        self.well(PUBLISH)
        self.new = one.outputs()
        self.snapshots["published"] = self.keep("published")
        one.seal()
        assert len(self.old) == len(self.new) == COUNT + 1 and self.old != self.new

    def well(self, command):
        done = self.runner.run(self.one, command=command)
        assert done.returncode == 0, done.stderr.decode()
        return fault.last_line(done)

    def keep(self, name):
        path = self.one.root / ("kept-" + name)
        copy(self.one.out, path)
        return path

    def reset(self, name):
        shutil.rmtree(self.one.out, ignore_errors=True)
        copy(self.snapshots[name], self.one.out)

    def mixed(self, whole=False):
        """What is neither old nor new; `whole`: all is the one or all is the other."""
        now = self.one.outputs()
        if whole and now not in (self.old, self.new):
            yield "some outputs are old and some are new"
        for name in sorted(set(self.old) | set(self.new)):
            if now.get(name) not in (self.old.get(name), self.new.get(name)):
                yield "%s is neither old nor new: %r" % (name, now.get(name))

    def is_not(self, want, what):
        now = self.one.outputs()
        return ["%s: %s is %r" % (what, name, now.get(name)) for name in sorted(set(now) | set(want))
                if now.get(name) != want.get(name)][:3]

    def staging(self):
        return (self.one.out / ".pressrun" / "stage").exists()

    def left(self):
        books = {path.name for path in (self.one.out / ".pressrun").iterdir()}
        return ["%s is still there" % name for name in books & {"publishing", "rollback", "dropped"}]


def copy(source, target):
    """A copy whose files are the same ones (by inode and time), but for those that are written to."""
    for path, folders, names in os.walk(source):
        to = os.path.join(target, os.path.relpath(path, source))
        os.makedirs(to, exist_ok=True)
        for name in names:
            if name in BOOKS:
                shutil.copy2(os.path.join(path, name), os.path.join(to, name))
            else:
                os.link(os.path.join(path, name), os.path.join(to, name))


# Followed by ----------------------------------------------------------------------------------------------------


def ends_new(review, runner, known=True):
    """Published in the end, whatever was done before; and known."""
    one = review.one
    done = runner.run(one, command=PUBLISH)
    wrong = review.is_not(review.new, "published") + review.left()
    if done.returncode not in (0, 2) or (done.returncode == 2 and b"nothing is staged" not in done.stderr):
        wrong.append("publish: exit %d\n%s" % (done.returncode, done.stderr.decode()))
    return wrong + is_known(review, runner, known)


def is_known(review, runner, known=True):
    done = runner.run(review.one, command=RUN)
    if done.returncode != 0:
        return ["the next run: exit %d\n%s" % (done.returncode, done.stderr.decode())]
    made = fault.last_line(done)["rendered"]
    return ["the next run made %d outputs" % made] if made and known else []


def ends_by_run(review, runner):
    """A plain run finishes what was decided; what was not, it leaves."""
    done = runner.run(review.one, command=RUN)
    if done.returncode == 2 and b"a staged run waits" in done.stderr:
        return review.is_not(review.old, "waiting") + ends_new(review, runner)
    if done.returncode != 0:
        return ["run: exit %d\n%s" % (done.returncode, done.stderr.decode())]
    return review.is_not(review.new, "run") + review.left()


def ends_old(review, runner):
    """Taken back in the end."""
    done = runner.run(review.one, command=ROLLBACK)
    wrong = review.is_not(review.old, "rolled back") + review.left()
    if done.returncode not in (0, 2) or (done.returncode == 2 and b"nothing to go back" not in done.stderr):
        wrong.append("rollback: exit %d\n%s" % (done.returncode, done.stderr.decode()))
    if review.staging():
        return wrong + ends_new(review, runner)
    return wrong + ends_staged(review, runner)


def ends_staged(review, runner):
    """It can be staged and published again."""
    done = runner.run(review.one, command=STAGE)
    wrong = review.is_not(review.old, "staged")
    if done.returncode != 0:
        wrong.append("stage: exit %d\n%s" % (done.returncode, done.stderr.decode()))
    return wrong + ends_new(review, runner)


WAYS = [ # (name, what there is, the command, what may follow)
    ("stage", "old", STAGE, [ends_staged]),
    ("publish", "staged", PUBLISH, [ends_new, ends_by_run, ends_old]),
    ("rollback", "published", ROLLBACK, [ends_old]),
    ("drop", "staged", ("drop", "-q"), [ends_staged]),
]


def count(runner, review, start, command, calls="all"):
    review.reset(start)
    done, report = runner.at(review.one, None, calls=calls, command=command)
    runner.find(command[0], fault.crashed(done), "" if done.returncode == 0 else done.stderr.decode())
    return report["calls"]


def kill(runner):
    with fault.case() as one:
        review, hits = Review(runner, one), 0
        for name, start, command, follow in WAYS:
            total = count(runner, review, start, command)
            for n in fault.sample(total, FEW):
                review.reset(start)
                done, report = runner.at(one, n, command=command)
                hits += report["hit"] is not None
                what = "%s, killed at call %d of %d (%s)" % (name, n, total, report["hit"])
                still = review.is_not(review.old, "changed") if name in ("stage", "drop") else []
                runner.find(what, fault.crashed(done, killed=True), *review.mixed(), *still, *one.strayed())
                runner.find(what, *follow[n % len(follow)](review, runner), *one.strayed())
                runner.find(what, *("%s is left" % path for path in one.temporaries()))
    return "kill: %d calls" % hits


FAULTS = [
    ("write: disk full", "write,pwrite64", errno.ENOSPC),
    ("rename: no such right", "rename,renameat,renameat2", errno.EACCES),
    ("open: input/output error", "open,openat,openat2", errno.EIO),
    ("look: input/output error", "newfstatat,statx,fstat", errno.EIO),
    ("mkdir: disk full", "mkdirat", errno.ENOSPC),
    ("read: input/output error", "read,pread64", errno.EIO),
]


def fail(runner):
    with fault.case() as one:
        review, hits = Review(runner, one), 0
        for name, start, command, _ in WAYS:
            for what, calls, error in FAULTS:
                total = count(runner, review, start, command, calls)
                for n in fault.sample(total, 4):
                    lasting = n % 2 == 0
                    review.reset(start)
                    done, report = runner.at(one, n, "--errno", str(error), *(["--and-after"] if lasting else []),
                                             calls=calls, command=command)
                    hits += report["hit"] is not None
                    where = "%s, %s%s, %d of %d" % (name, what, " from then on" if lasting else "", n, total)
                    told = b"some are not" in done.stderr or name == "rollback"
                    runner.find(where, fault.crashed(done), fault.unexplained(done), *review.mixed(whole=not told),
                                *one.strayed())
                    back = runner.run(one, command=ROLLBACK) if name == "rollback" else None
                    if back is not None and back.returncode not in (0, 2):
                        runner.find(where, "rollback: exit %d\n%s" % (back.returncode, back.stderr.decode()))
                    untold = b"makes these outputs again" not in done.stderr
                    runner.find(where, *(ends_new(review, runner, untold) if name == "publish" else
                                         ends_staged(review, runner)))
    return "fail: %d calls" % hits


def at_once(runner):
    """Two publish; one does, and the other is told so."""
    with fault.case() as one:
        review = Review(runner, one)
        for wait in ([], ["--wait"]):
            for _ in range(5):
                review.reset("staged")
                both = [subprocess.Popen([runner.pressrun, *PUBLISH, *wait], cwd=one.path, env=runner.environment(),
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
                ends = [(p.communicate(timeout=fault.HANGS)[1], p.returncode) for p in both]
                runner.runs += 2
                if sorted(code for _, code in ends) != [0, 2]:
                    runner.find("two at once", "exits %s" % ends)
                runner.find("two at once", *review.is_not(review.new, "published"), *is_known(review, runner))
    return "at once"


def main():
    runner = fault.Runner(__doc__)
    if not runner.can_trace():
        print("skipped: tracing is not possible here")
        return fault.SKIPPED
    figures = [part(runner) for part in (kill, fail, at_once) if not runner.only or part.__name__ in runner.only]
    return runner.finish("; " + "; ".join(figures))


if __name__ == "__main__":
    sys.exit(main())
