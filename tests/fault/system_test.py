#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a system refuses for real: a full disk, rights, descriptors, file sizes, memory.

A run says what is wrong and exits with 1 or 2, or does without; nothing is half-written; when the cause is gone, the
next run completes. Parts that need what this machine does not allow are skipped and named.
"""
import os
import re
import resource
import shutil
import subprocess
import sys

import fault
import workload

NOBODY = 65534


def look(runner, what, run, done, codes=(0, 1, 2), says=None):
    """Whatever was refused: these exit codes, and a word about it."""
    text = done.stderr.decode("utf-8", "replace")
    wrong = fault.crashed(done) or fault.unexplained(done)
    if not wrong and done.returncode not in codes:
        wrong = "exit %d, and not one of %s\n%s" % (done.returncode, codes, text[:1000])
    if not wrong and says and done.returncode != 0 and not re.search(says, text):
        wrong = "says nothing of %r:\n%s" % (says, text[:1000])
    runner.find(what, wrong, *run.one.strayed(), *run.mixed(), *("%s is left" % path for path in run.one.temporaries()))


# A full disk
# -----------------------------------------------------------------------------------------------------


FULL = r"""
set -e
case=$1; size=$2; shift 2
mount -t tmpfs -o "$size" tmpfs "$case/out"
cp -r "$case/../old/." "$case/out"
set +e
"$@"; code=$?
mkdir "$case/../copy" && cp -r "$case/out/." "$case/../copy"
mount -t tmpfs -o remount,size=64m,nr_inodes=10000 tmpfs "$case/out"
"$@" >"$case/../second" 2>"$case/../second-errors"; echo $? >"$case/../second-code"
cp -r "$case/out/." "$case/../after"
exit $code
"""


def may_mount():
    return bool(shutil.which("unshare")) and subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], stderr=subprocess.DEVNULL).returncode == 0


def full_disk(runner):
    if not may_mount():
        runner.notes.append("skipped: full disks; no mounts in a namespace of one's own here")
        return
    page = resource.getpagesize()
    # Room beside the old outputs, in pages and in files: for none, for a few, for all but the large one, for all.
    for pages, inodes, codes in ((0, 100, (1, 2)), (1, 100, (1, 2)), (3, 100, (1, 2)), (50, 100, (1,)),
                                 (1000, 0, (1, 2)), (1000, 1, (1, 2)), (1000, 3, (0, 1, 2)), (1000, 100, (0,))):
        with fault.case() as one:
            run = workload.Replacement(runner, one, n=40)
            root = one.root
            for name in ("old", "after"):
                (root / name).mkdir()
            one.out = root / "old"
            run.reset_bare()
            shutil.rmtree(one.path / "out")
            (one.path / "out").mkdir()
            old = [len(data) for data in run.old.values()]
            held = len(old) + len({os.path.dirname(name) for name in run.old}) # the root is the stream's directory
            size = "size=%d,nr_inodes=%d" % ((sum(-(-n // page) for n in old) + pages) * page,
                                             held + inodes)
            what = "a disk with room for %d pages and %d files" % (pages, inodes)
            try:
                done = runner.run(one, before=["unshare", "-rm", "sh", "-c", FULL, "sh", str(one.path), size])
                one.out = root / "copy"
                look_at_copy(runner, what, run, done, codes)
                one.out = root / "after"
                now = one.outputs()
                second = (root / "second-errors").read_text()
                runner.find(what, *("after the next run: %s is not as it should be\n%s" % (name, second)
                                    for name in run.new if now.get(name) != run.new[name]),
                            *("%s is left" % path for path in one.temporaries()))
            finally:
                one.out = one.path / "out"


def look_at_copy(runner, what, run, done, codes):
    wrong = fault.crashed(done) or fault.unexplained(done)
    text = done.stderr.decode()
    if not wrong and done.returncode not in codes:
        wrong = "exit %d, and not one of %s\n%s" % (done.returncode, codes, text[:1000])
    if done.returncode and "No space left" not in text:
        wrong = wrong or "does not say why:\n" + text
    runner.find(what, wrong, *run.mixed(), *("%s is left" % path for path in run.one.temporaries()))


# Rights
# -----------------------------------------------------------------------------------------------------


def as_nobody():
    """What comes before a command so that rights count; None: not possible."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"] if shutil.which("setpriv") \
        else None


def give_away(one):
    if os.geteuid() == 0:
        for path, folders, names in os.walk(one.root):
            for name in [path] + [os.path.join(path, n) for n in folders + names]:
                os.chown(name, NOBODY, NOBODY, follow_symlinks=False)


def rights(runner):
    before = as_nobody()
    if before is None:
        runner.notes.append("skipped: rights; root here, and no setpriv")
        return
    reach = subprocess.run([*before, runner.pressrun, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if reach.returncode != 0:
        runner.notes.append("skipped: rights; nobody may run %s" % runner.pressrun)
        return
    # (path, mode, exit codes, what it must say, how many outputs may stay old)
    rows = [("out", 0o555, (2,), r"out|all\.jsonl", None), ("out/d3", 0o555, (1,), r"d3/.*Permission denied", 8),
            ("out/d3", 0o000, (1,), r"d3/.*Permission denied", 8), ("records.jsonl", 0o000, (2,), r"records\.jsonl", None),
            ("templates/card.j2", 0o000, (2,), r"card\.j2", None), ("pressrun.yaml", 0o000, (2,), r"pressrun\.yaml", None),
            ("out", 0o000, (2,), r"all\.jsonl: Permission denied|out", None),
            ("templates", 0o000, (2,), r"card\.j2.*Permission denied", None), ("out/d1/6.txt", 0o444, (0,), None, 0), ("out/d1/6.txt", 0o000, (0,), None, 0)]
    for name, mode, codes, says, old in rows:
        with fault.case() as one:
            run = workload.Replacement(runner, one, n=40)
            run.reset()
            give_away(one)
            path = one.path / name
            kept = path.stat().st_mode
            os.chmod(path, mode)
            done = runner.run(one, before=before)
            os.chmod(path, kept)
            what = "%s with rights %03o" % (name, mode)
            look(runner, what, run, done, codes, says)
            if old is not None and len(run.remaining()) != old:
                runner.find(what, "%d outputs stayed old, and not %d" % (len(run.remaining()), old))
            os.chmod(path, kept)
            give_away(one)
            runner.find(what, *run.incomplete())


# Limits of the process
# -----------------------------------------------------------------------------------------------------


def limited(which, value):
    def set_limit():
        resource.setrlimit(which, (value, value))
    return set_limit


def descriptors(runner):
    """With 20 descriptors all is well; with fewer the run does without, or says so."""
    files = workload.files("new", n=40)
    files["pressrun.yaml"] = files["pressrun.yaml"].replace("d{{ id % 5 }}", "d{{ id }}")
    floor = 3 # standard ones
    with fault.case() as one:
        run = workload.Replacement(runner, one, n=40)
        for limit in range(floor, 24):
            for workers in ("1", "3"):
                run.reset()
                done = runner.run(one, "-j", workers, preexec_fn=limited(resource.RLIMIT_NOFILE, limit))
                what = "%d descriptors, %s workers" % (limit, workers)
                if done.returncode == 127:
                    continue # not even the dynamic linker had enough
                look(runner, what, run, done, codes=(0,) if limit >= 20 else (0, 1, 2))
        runner.find("descriptors", *run.incomplete())
    with fault.case() as one: # more directories than a lane keeps open
        one.fill(files)
        done = runner.run(one, preexec_fn=limited(resource.RLIMIT_NOFILE, 20))
        runner.find("20 descriptors, 40 directories", fault.crashed(done),
                    "" if len(one.outputs()) == 41 else "%d outputs: %s" % (len(one.outputs()), done.stderr.decode()))


def file_size(runner):
    """The largest file that may be written: outputs above it fail, each with its name; the others are written."""
    limits = ((0, (1, 2)), (100, (1, 2)), (4096, (1, 2)), (500000, (1,)), (1 << 22, (0,)))
    if "thread" in runner.sanitize: # clang's OpenMP runtime has a file of its own, and does not outlive its end
        limits = limits[3:]
    for limit, codes in limits:
        with fault.case() as one:
            run = workload.Replacement(runner, one, n=40)
            run.reset()
            done = runner.run(one, preexec_fn=limited(resource.RLIMIT_FSIZE, limit))
            what = "files of %d bytes at most" % limit
            look(runner, what, run, done, codes, "File too large")
            if limit == 500000 and run.remaining() != ["d2/7.txt"]:
                runner.find(what, "these stayed old: %s" % run.remaining())
            runner.find(what, *run.incomplete())


def memory(runner):
    """Too little address space: a run is done, or fails, or ends with "out of memory"; never half-written."""
    if not fault.sanitizer_free(runner, "address space"):
        return
    with fault.case() as one:
        run = workload.Replacement(runner, one, n=40)
        codes = {}
        for megabytes in list(range(8, 40, 1 if fault.ALL else 4)) + [64, 256, 1024]:
            run.reset()
            done = runner.run(one, preexec_fn=limited(resource.RLIMIT_AS, megabytes << 20))
            what = "%d MB of addresses" % megabytes
            if done.returncode == 127:
                continue # not even the dynamic linker had enough
            codes[done.returncode] = codes.get(done.returncode, 0) + 1
            if done.returncode == -6 and b"out of memory" in done.stderr:
                runner.find(what, *run.mixed(), *one.strayed())
                continue
            look(runner, what, run, done)
            if megabytes == 1024 and done.returncode != 0:
                runner.find(what, "not enough? exit %d\n%s" % (done.returncode, done.stderr.decode()))
        runner.find("memory", *run.incomplete())
        runner.notes.append("exit codes with little memory: %s" % codes)


def main():
    runner = fault.Runner(__doc__)
    for part in (full_disk, rights, descriptors, file_size, memory):
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
