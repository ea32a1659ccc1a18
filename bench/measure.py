# SPDX-License-Identifier: MIT
"""Running programs for comparison: pinned, interleaved, each into a fresh directory; medians; one table a group.

Leaves out what is run (peers.py) and on what (workloads.py).
"""
import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

SLOW_SECONDS = 2  # whoever takes longer is run in the first SLOW_ROUNDS rounds only
SLOW_ROUNDS = 3


class Failed(Exception):
    """A program that did not do what it was asked; the text says what."""


class Run:
    """One process, run to its end: seconds, CPU seconds, peak memory in MB, what it printed."""

    def __init__(self, out, report):
        self.out = out
        self.seconds, self.cpu, self.peak = report[0], report[1], report[2] * 1024 / 1e6


class Machine:
    """Where programs run: the CPUs that may be used, the launcher, and a scratch directory."""

    def __init__(self, launcher, scratch):
        self.launcher, self.scratch = launcher, scratch
        self.cpus = sorted(os.sched_getaffinity(0))
        self.made = 0

    def path(self, *parts):
        return os.path.join(self.scratch, *parts)

    def fresh(self):
        """A new, empty directory; `drop` it when its contents have been looked at."""
        self.made += 1
        path = self.path("out%d" % self.made)
        os.mkdir(path)
        return path

    def drop(self, path):
        shutil.rmtree(path)

    def run(self, argv, cpus=1, env=None, cwd=None):
        """Runs argv on so many CPUs. Failed unless it exits 0."""
        report = self.path("report")
        chosen = ",".join(str(cpu) for cpu in self.cpus[:cpus])
        process = subprocess.Popen([self.launcher, chosen, report] + argv, stdin=subprocess.DEVNULL, cwd=cwd,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                   env=dict(os.environ, **env) if env else None)
        try:
            out, errors = process.communicate()
        except BaseException:  # whoever still writes would be in the way of removing the scratch directory
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        if process.returncode:
            said = errors.decode("utf-8", "replace").strip().split("\n")
            telling = [line for line in said if "rror" in line] or [said[0] or "exit code %d" % process.returncode]
            raise Failed("%s: %s" % (os.path.basename(argv[0]), telling[0].strip()))
        with open(report, encoding="ascii") as file:
            return Run(out.decode("utf-8", "replace"), [float(word) for word in file.read().split()])


def sha256_of(path):
    """Of a file, or of a directory's files one after the other, in the order of their names."""
    digest = hashlib.sha256()
    for name in [path] if os.path.isfile(path) else files_below(path):
        with open(name, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def files_below(directory):
    """Paths of all files, hidden ones left out, in the order of their names, whatever directory they are in."""
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [(name, os.path.join(folder, name)) for name in names if not name.startswith(".")]
    return [path for _, path in sorted(found)]


class Contestant:
    """Who is measured: `once` runs it and returns {metric: value}. It is compared with `against`, another contestant,
    or with the group's first, pressrun."""

    def __init__(self, name, once, note="", against=None):
        self.name, self.once, self.note, self.against = name, once, note, against
        self.rounds = []  # a {metric: value} each; None where it was left out

    def median(self, metric):
        values = [r[metric] for r in self.rounds if r and metric in r]
        return statistics.median(values) if values else None

    def times(self, other, metric):
        """How often `other` fits into this one's time: the median of the rounds' own ratios."""
        ratios = [mine[metric] / theirs[metric] for mine, theirs in zip(self.rounds, other.rounds)
                  if mine and theirs and metric in mine and metric in theirs and theirs[metric] > 0]
        return statistics.median(ratios) if ratios else None


def interleave(contestants, rounds, say):
    """Runs everyone in each round, in turns, so that a slow minute hits all."""
    slow = set()
    for number in range(rounds):
        for contestant in contestants:
            if number >= SLOW_ROUNDS and contestant in slow:
                contestant.rounds.append(None)
                continue
            say("round %d of %d: %s" % (number + 1, rounds, contestant.name))
            started = time.perf_counter()
            contestant.rounds.append(contestant.once())
            if time.perf_counter() - started > SLOW_SECONDS:
                slow.add(contestant)


def figure(value, scale=1.0):
    """Three digits that mean something; a count as it is."""
    if value is None:
        return "–"
    if isinstance(value, int) and scale == 1:
        return "{:,}".format(value)
    value *= scale
    return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value


def print_table(title, contestants, metrics):
    """A Markdown table: a row each, for each metric (key, heading, scale, compared) its median and, if compared,
    how many times as long it takes as what it is compared with."""
    head, rule = ["", "of"], ["---", "---:"]
    for _, heading, _, compared in metrics:
        head += [heading, "ratio"] if compared else [heading]
        rule += ["---:", "---:"] if compared else ["---:"]
    print("### %s\n\n| %s |\n| %s |" % (title, " | ".join(head).lstrip(), " | ".join(rule)))
    for contestant in contestants:
        base = contestant.against or contestants[0]
        cells = [contestant.name, contestant.note]
        for key, _, scale, compared in metrics:
            cells.append(figure(contestant.median(key), scale))
            if compared:
                times = None if contestant is base else contestant.times(base, key)
                cells.append("" if contestant is base else figure(times))
        print("| %s |" % " | ".join(cells))
    print(flush=True)


def progress(text):
    """One line that is written over, where somebody looks."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K" + text[:100])
        sys.stderr.flush()


def progress_end():
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
