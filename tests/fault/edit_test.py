#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Outputs that somebody edited, replaced or moved between two runs.

An edit in place, of the same size, right after a run: the next one notices it, every time. What stands where an output
was is replaced or told of, and never followed out of the output directory; neither is it removed by --prune.
"""
import os
import random
import shutil
import socket
import sys

import fault
import workload

EDITS = 200 if fault.ALL else 25


class Cards(workload.Replacement):
    """Of the new records, the cards of the first five directories' first ones are gone."""

    @staticmethod
    def make(version, job, n):
        files = workload.files("new", job, n)
        lines = files["records.jsonl"].splitlines(keepends=True)
        return dict(files, **{"records.jsonl": "".join(lines if version == "old" else lines[5:])})

    def check(self):
        assert set(self.old) - set(self.new) == {"d%d/%d.txt" % (i, i) for i in range(5)} or "--prune" not in self.arguments


def races(runner):
    """Right after a run's end one byte of an output is changed; its size and, but for the clock's tick, its time stay."""
    with fault.case() as one:
        run = workload.Replacement(runner, one, n=12)
        names, choice = sorted(run.new), random.Random(9)
        for i in range(EDITS):
            path = one.out / choice.choice(names)
            with open(path, "r+b", buffering=0) as f:
                f.write(b"%d" % (i % 10))
            did = run.idle() # the end of this run is what the next edit follows
            runner.find("edit %d, of %s" % (i, path.name), "was not noticed" if did["written"] == 0 else "",
                        "%d written" % did["written"] if did["written"] != 1 and path.name != "all.jsonl" else "",
                        *run.mixed())


def beside(path):
    return next(parent for parent in path.parents if (parent / "beside").is_dir()) / "beside"


def remove(path):
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def replaced_by(make):
    def act(path):
        remove(path)
        make(path)
    return act


def link_to_copy(path):
    """A link to a file elsewhere that has the same bytes and times, and even was the output."""
    there = beside(path) / ("copy-" + path.name)
    os.rename(path, there)
    path.symlink_to(there)


def link_parent(path):
    """The directory has moved elsewhere, with all its files, and a link leads there."""
    there = beside(path) / ("moved-" + path.parent.name)
    os.rename(path.parent, there)
    path.parent.symlink_to(there)


def link_parent_within(path):
    os.rename(path.parent, path.parent.parent / "moved")
    path.parent.symlink_to("moved")


def plant_socket(path):
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as s:
        os.chdir(path.parent)
        s.bind(path.name)
        os.chdir(here)


def filled_directory(path):
    path.mkdir()
    (path / "mine.txt").write_text("somebody's\n")


def second_name(path):
    os.link(path, beside(path) / ("second-" + path.name))


# name: (what is done to an output, whether the next run makes it again)
ACTS = {
    "removed": (remove, True),
    "emptied": (lambda path: path.write_bytes(b""), True),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"!"), True),
    "another file, same bytes": (lambda path: replaced_by(lambda p: p.write_bytes(data))(path)
                                 if (data := path.read_bytes()) else None, True),
    "a directory": (replaced_by(os.mkdir), False),
    "a directory with something in it": (replaced_by(filled_directory), False),
    "a link to the file": (link_to_copy, True),
    "a link to nowhere": (replaced_by(lambda path: path.symlink_to("nowhere")), True),
    "a link to itself": (replaced_by(lambda path: path.symlink_to(path.name)), True),
    "a pipe": (replaced_by(os.mkfifo), True),
    "a socket": (replaced_by(plant_socket), True),
    "unreadable": (lambda path: path.chmod(0), True),
    "a second name": (second_name, True),
    "a parent that is a link out": (link_parent, False),
    "a parent that is a link within": (link_parent_within, True),
    "a parent that is a file": (lambda path: replaced_by(lambda p: p.write_text("x"))(path.parent), False),
}


def seen(path):
    """What whoever reads an output gets; a directory that has moved away and is linked to is as good as before."""
    return path.read_bytes() if path.is_file() else None


def replaced(runner):
    """The records are as they were, or all changed: the output is as it should be, or the run says why it is not."""
    for name, (act, can) in ACTS.items():
        for changed in (False, True) if fault.ALL or not runner.sanitize else (True,):
            with fault.case() as one:
                run = workload.Replacement(runner, one, n=12)
                if changed:
                    run.reset()
                act(one.out / "d3" / "3.txt")
                one.seal()
                done = runner.run(one, timeout=20)
                what = "an output is %s, %s records" % (name, "changed" if changed else "the same")
                lost = [path for path in run.new if seen(one.out / path) != run.new[path]]
                runner.find(what, fault.crashed(done), fault.unexplained(done), *one.strayed(),
                            "exit %d\n%s" % (done.returncode, done.stderr.decode()) if can and done.returncode else "",
                            *("%s is not as it should be" % path for path in lost if done.returncode == 0
                              or not path.startswith("d3/")))
                if can and done.returncode == 0:
                    runner.find(what, *run.busy())


# As they were left, for all that a run can see.
UNTOUCHED = {"a second name", "another file, same bytes", "a parent that is a link within", "unreadable"}


def pruned(runner):
    """The same of outputs that no longer belong: --prune removes none of what somebody put in their place."""
    for name, (act, _) in ACTS.items():
        for arguments in (["--prune"], []) if fault.ALL or not runner.sanitize else (["--prune"],):
            with fault.case() as one:
                run = Cards(runner, one, n=12, arguments=["--prune"])
                run.reset()
                path = one.out / "d3" / "3.txt"
                act(path)
                before = fault.tree(one.out)
                before = {p: what for p, what in before.items() if p.startswith(("d3", "moved")) and what[0] != "directory"}
                one.seal()
                done = runner.run(one, *arguments, timeout=20)
                after = fault.tree(one.out)
                what = "an output that no longer belongs is %s, %s" % (name, arguments)
                ours = {"d3/8.txt"} | ({"d3/3.txt", "moved/3.txt"} if name in UNTOUCHED else set())
                runner.find(what, fault.crashed(done), fault.unexplained(done), *one.strayed(),
                            *("%s is gone" % p for p in before if p not in after and p not in ours and arguments),
                            *("%s is gone" % p for p in before if p not in after and not arguments),
                            "d0/0.txt is %sthere" % ("still " if arguments else "not ")
                            if ((one.out / "d0" / "0.txt").exists() == bool(arguments)) else "")


def main():
    runner = fault.Runner(__doc__)
    for part in (races, replaced, pruned):
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
