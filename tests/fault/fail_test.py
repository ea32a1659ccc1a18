#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The n-th system call of a kind fails, for every n: the disk is full, a right is missing, there are no descriptors.

A run then ends with 0 (the call was not essential), 1 or 2, and says why; nothing is half-written, and one fault
costs one output, not the rest of the batch. The next run completes, and one more does nothing. Where it is the journal
that fails, all outputs are made, the run ends with 0 and says what it could not remember.
"""
import errno
import sys

import fault
import workload

FILES = 40
WRITES = "write,pwrite64,writev"
# (name, calls, what happens to the n-th, how many of them are tried as a rule)
FAULTS = [
    ("open: no such right", "open,openat,openat2", errno.EACCES, 6),
    ("open: no descriptors", "open,openat,openat2", errno.EMFILE, 6),
    ("open: input/output error", "open,openat,openat2", errno.EIO, 4),
    ("open: disk full", "open,openat,openat2", errno.ENOSPC, 4),
    ("write: disk full", WRITES, errno.ENOSPC, 6),
    ("write: input/output error", WRITES, errno.EIO, 3),
    ("write: interrupted", WRITES, errno.EINTR, 3),
    ("write: half of it", WRITES, "--short", 5),
    ("rename: no such right", "rename,renameat,renameat2", errno.EACCES, 4),
    ("rename: disk full", "rename,renameat,renameat2", errno.ENOSPC, 3),
    ("close: input/output error", "close", errno.EIO, 5),
    ("close: disk full", "close", errno.ENOSPC, 3),
    ("mkdir: no such right", "mkdir,mkdirat", errno.EACCES, 3),
    ("mkdir: disk full", "mkdir,mkdirat", errno.ENOSPC, 3),
    ("read: input/output error", "read,pread64,readv", errno.EIO, 6),
    ("read: interrupted", "read,pread64,readv", errno.EINTR, 3),
    ("stat: input/output error", "fstat,newfstatat,statx,stat,lstat", errno.EIO, 5),
    ("stat: no such right", "fstat,newfstatat,statx,stat,lstat", errno.EACCES, 3),
    ("unlink: no such right", "unlink,unlinkat", errno.EACCES, 3),
    ("lock: not supported", "flock,fcntl", errno.ENOLCK, 3),
    ("list: input/output error", "getdents64", errno.EIO, 3),
    ("sync: input/output error", "fsync,fdatasync,syncfs,sync_file_range", errno.EIO, 3),
    ("thread: none to be had", "clone,clone3", errno.EAGAIN, 3),
    ("lseek, truncate", "lseek,ftruncate,fallocate", errno.EIO, 3),
]
# From the n-th call on, all fail: what is full or forbidden stays so.
LASTING = [
    ("disk full from then on", WRITES, errno.ENOSPC, 3),
    ("no descriptors from then on", "open,openat,openat2", errno.EMFILE, 3),
    ("no renames from then on", "rename,renameat,renameat2", errno.EACCES, 3),
    ("halves from then on", WRITES, "--short", 3),
]
MEMORY = [("memory", "mmap,mremap,brk", errno.ENOMEM, 15)]
WAYS = [("files", "", []), ("in place, durable", ", write: inplace", ["--durable"])]


# Of the journal, and of the one that takes its place.
OF_THE_JOURNAL = [
    ("open", "open,openat,openat2", (errno.EACCES, errno.EMFILE, errno.EIO, errno.ENOSPC, errno.EROFS)),
    ("write", WRITES, (errno.ENOSPC, errno.EIO, errno.EROFS)),
    ("read", "read,pread64,readv", (errno.EIO,)),
    ("stat", "fstat,newfstatat,statx", (errno.EIO, errno.EACCES)),
    ("rename", "rename,renameat,renameat2", (errno.EACCES, errno.EROFS)),
    ("unlink", "unlinkat", (errno.EACCES,)),
    ("truncate", "ftruncate", (errno.EIO,)),
    ("sync", "fsync,fdatasync", (errno.EIO,)),
]
GUESSES = (2, 3) # reads that only say how large tables will be
UNNOTICED = [ # what is none of the user's business
    ("close", "close", errno.EIO), ("write, interrupted", WRITES, errno.EINTR), ("write, half of it", WRITES, "--short"),
    ("read, interrupted", "read,pread64,readv", errno.EINTR),
]
JOURNALS = [("all kinds of jobs", workload.Rich, [], ".pressrun/journal", FILES),
            ("durable", workload.Replacement, ["--durable"], ".pressrun/journal", FILES),
            ("compaction", workload.Compacting, [], ".pressrun/journal", workload.FILES),
            ("compaction", workload.Compacting, [], ".pressrun/journal.new", workload.FILES)]


def action(what):
    return [what] if isinstance(what, str) else ["--errno", str(what)]


def ended_badly(done, out_of_memory):
    if out_of_memory and b"out of memory" in done.stderr:
        return ""
    if done.stderr.startswith(b"OMP: Error"): # clang's OpenMP runtime gives up before anything of ours begins
        return ""
    return fault.crashed(done) or fault.unexplained(done)


def lost(run, done, lasting):
    """One fault costs one output; without a failure, nothing is lost."""
    remaining = run.remaining()
    if done.returncode == 0:
        return ["exit 0, but %s was not written" % name for name in remaining[:1]]
    if done.returncode == 1 and not lasting and not isinstance(run, workload.Rows) and len(remaining) > 1:
        return ["one fault cost %d outputs:\n%s" % (len(remaining), done.stderr.decode()[:1000])]
    return []


def check(runner, run, way, name, calls, what, few, lasting=False, memory=False):
    one = run.one
    may_mix = "in place" in way
    total = sum(run.calls.get(call, 0) for call in calls.split(","))
    hits = 0
    for n in fault.sample(total, few):
        run.reset()
        done, report = runner.at(one, n, *action(what), *(["--and-after"] if lasting else []), calls=calls,
                                 arguments=run.arguments)
        where = "%s, %s, %s of %d (%s)" % (way, name, n, total, report["hit"])
        hits += report["hit"] is not None
        runner.find(where, ended_badly(done, memory), *([] if may_mix else run.mixed()), *lost(run, done, lasting),
                    *one.strayed())
        runner.find(where, *(path + " is left" for path in one.temporaries() if "unlink" not in name and not memory
                             and not lasting))
        runner.find(where, *run.incomplete())
    return hits


def check_all(runner, run, way, faults, share=1):
    run.reset()
    run.calls = runner.at(run.one, None, arguments=run.arguments)[1]["each"]
    return sum(check(runner, run, way, name, calls, what, max(1, few // share // (2 if runner.sanitize else 1)), lasting, memory)
               for (name, calls, what, few), lasting, memory in faults if not runner.only or name in runner.only)


def fail_journal(runner, run, on, n, what, calls, lasting=False):
    """A run that says what it has to; what is wrong with it, and whether it said something."""
    run.reset()
    done, report = runner.at(run.one, n, *action(what), *(["--and-after"] if lasting else []), calls=calls, on=on,
                             arguments=run.arguments, command=("run", "-j", "1"))
    wrong = [fault.crashed(done) or "exit %d\n%s" % (done.returncode, done.stderr.decode())] if done.returncode else []
    now = run.outputs()
    wrong += ["%s is not as it should be" % name for name in run.new if not wrong and now.get(name) != run.new[name]]
    return report, wrong[:3] + run.one.strayed(), b"journal" in done.stderr or b"remembered" in done.stderr


def journals(runner):
    hits = 0
    for nth, (way, make, arguments, on, n_files) in enumerate(JOURNALS):
        with fault.case() as one:
            run = make(runner, one, "", arguments, n_files)
            run.reset()
            each = runner.at(one, None, on=on, arguments=run.arguments)[1]["each"]
            faults = [(name, calls, what, lasting, True) for name, calls, numbers in OF_THE_JOURNAL for what in numbers
                      for lasting in (False, True)] + [(*row, False, False) for row in UNNOTICED]
            for name, calls, what, lasting, told in faults if fault.ALL else faults[nth::len(JOURNALS)]:
                total = sum(each.get(call, 0) for call in calls.split(","))
                for n in fault.sample(total, 1, seed=hits):
                    report, wrong, said = fail_journal(runner, run, on, n, what, calls, lasting)
                    where = "%s, %s: %s %s, %d of %d" % (way, on, name, what, n, total)
                    hits += report["hit"] is not None
                    # How many batches are noted depends on time, so the call may not come.
                    silent = told and not said and report["hit"] is not None and not (name == "read" and n in GUESSES)
                    runner.find(where, *wrong, "and not a word" if silent else "",
                                "and it is told" if said and not told else "")
                    runner.find(where, *run.incomplete())
    return hits


def main():
    runner = fault.Runner(__doc__)
    if not runner.can_trace():
        print("skipped: tracing is not possible here")
        return fault.SKIPPED
    faults = [(one, False, False) for one in FAULTS] + [(one, True, False) for one in LASTING]
    if fault.sanitizer_free(runner, "memory"):
        faults += [(one, False, True) for one in MEMORY]
    hits = 0
    for share, (way, job, arguments) in enumerate(WAYS, 1):
        with fault.case() as one:
            run = workload.Replacement(runner, one, job, arguments, n=FILES)
            hits += check_all(runner, run, way, faults, 2 * share - 1)
    with fault.case() as one:
        hits += check_all(runner, workload.Rows(runner, one, n=FILES), "database", faults, 3)
    if not runner.only or "journals" in runner.only:
        hits += journals(runner)
    return runner.finish("; %d faults" % hits)


if __name__ == "__main__":
    sys.exit(main())
