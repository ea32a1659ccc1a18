# SPDX-License-Identifier: MIT
"""The groups of bench/increments: what a run costs where most or all is as the run before left it.

As in groups.py, a group has `check()`, which makes what it needs, compares digests and fills `contestants`, and
`show()`, which prints what was measured. Besides, `targets()` gives a row for each promise it can judge.
"""
import os
import re
import statistics

import groups
import measure
import peers
import workloads
from context import named, seconds_said
from measure import Contestant, Failed, figure

TO = "{{ id[4:-5] }}/{{ id[-5:-3] }}/{{ id[4:] }}.txt"  # two levels of directories, a thousand files in each
MOST_MEMORY_MB = 64
FILTER_MS = 5


class Target:
    """A promise, what was measured, and whether that keeps it; `kept` is None where there was no measurement."""

    def __init__(self, what, promised, measured, kept):
        self.what, self.promised, self.measured, self.kept = what, promised, measured, kept


def at_most(what, limit, value, unit=""):
    return Target(what, "at most %g%s" % (limit, unit), figure(value) + (unit if value is not None else ""),
                  None if value is None else value <= limit)


def at_least(what, limit, value, unit=""):
    return Target(what, "at least %g%s" % (limit, unit), figure(value) + (unit if value is not None else ""),
                  None if value is None else value >= limit)


def time_of(bench, run):
    """What counts as a run's time: on a busy machine that of the processor."""
    return run.cpu if bench.by_cpu else run.seconds


def figures_of(bench, run, count):
    seconds = time_of(bench, run)
    return {"whole": seconds, "each": seconds / count, "peak": run.peak}


def more(mine, base, metric="whole"):
    """How much more than `base` it takes: the median of the rounds' own differences."""
    found = [a[metric] - b[metric] for a, b in zip(mine.rounds, base.rounds) if a and b]
    return statistics.median(found) if found else None


class Project:
    """A manifest with one job, one file each, an output directory, and variants of its source, one of which is in place
    at a time. A variant is put in place by renaming, as an editor does it."""

    def __init__(self, bench, name, to=TO, **job):
        self.bench, self.out, self.variants = bench, bench.machine.path(name, "out"), []
        os.makedirs(self.out)
        self.source = bench.machine.path(name, "records.jsonl")
        self.manifest = workloads.manifest(bench.machine.path(name), name, {"path": "records.jsonl"},
                                           dict(job, template="prompt.j2", to=to))

    def place(self, path):
        new = self.source + ".new"
        os.link(path, new)
        os.utime(new)
        os.replace(new, self.source)

    def place_other(self):
        """Puts the variant in place that is not."""
        self.place(self.variants[0])
        self.variants.reverse()

    def run(self, workers=1, options=()):
        return self.bench.ours(self.manifest, self.out, workers, options)

    def run_elsewhere(self):
        """Everything anew, in a directory that is dropped; the report."""
        out = self.bench.machine.fresh()
        report = self.bench.ours(self.manifest, out).report
        self.bench.machine.drop(out)
        return report

    def check_variant(self, changed):
        """With the other variant in place: that many outputs are written, and all are what they would be made anew."""
        self.place_other()
        report = self.run().report
        expect_written(report, changed)
        if report["digest"] != self.run_elsewhere()["digest"]:
            raise Failed("%s: not the digest of outputs made anew" % os.path.basename(os.path.dirname(self.out)))


def expect_written(report, count):
    if report["failed"] or report["written"] != count:
        raise Failed("pressrun wrote %d outputs, not %d; %d failed" % (report["written"], count, report["failed"]))


class Again:
    """Nothing has changed: pressrun, a bare loop that only looks and hashes, ninja and make."""

    def __init__(self, bench, records, count):
        self.bench, self.records, self.count = bench, records, count
        self.contestants, self.ours, self.trusting, self.bare, self.ninja, self.two = [], None, None, None, None, None
        self.project = Project(bench, "again")

    def check(self):
        self.project.place(self.records)
        first = self.project.run().report
        expect_written(first, self.count)
        self.ours = self.add_ours("**pressrun**")
        self.trusting = self.add_ours("**pressrun**, `--trust`", options=["--trust"])
        if len(self.bench.machine.cpus) > 1 and not self.bench.by_cpu:
            self.two = self.add_ours("pressrun, two cores", 2)
            self.add_ours("pressrun, `--trust`, two cores", 2, ["--trust"])
        again = self.project.run().report
        if again["digest"] != first["digest"]:
            raise Failed("nothing changed, but the digest did")
        self.bench.checked.append("Nothing changed, %s outputs, nothing written, the digest of the first run: pressrun"
                                  % named(self.count))
        self.add_bare(first["output_bytes"])
        self.ninja = self.add_tree("ninja", "ninja-build", ["ninja"], "no work to do", self.count)
        self.add_tree("make", "make", ["make", "-r"], "Nothing to be done", min(self.count, 10000))

    def add(self, name, once, count, against):
        once()
        self.contestants.append(Contestant(name, once, named(count), against))
        return self.contestants[-1]

    def add_ours(self, name, workers=1, options=()):
        def once():
            run = self.project.run(workers, options)
            expect_written(run.report, 0)
            return figures_of(self.bench, run, self.count)
        ours = self.add(name, once, self.count, self.ours)
        ours.against = ours.against or ours
        return ours

    def add_bare(self, output_bytes):
        machine = self.bench.machine
        program = self.bench.compiled("bare_again", "bare_again.c", "xxhash", needs="libxxhash-dev")
        if not program:
            return
        paths = machine.path("again", "paths")
        with open(self.records, "rb") as records, open(paths, "w", encoding="ascii") as file:
            for line in records:
                digits = line[len(workloads.ID):].split(b'"', 1)[0].decode()
                file.write("%s/%s/%s.txt\n" % (digits[:-5], digits[-5:-3], digits))

        def once():
            run = machine.run([program, self.project.source, paths, self.project.out])
            if "%d records" % self.count not in run.out or ", %d bytes" % output_bytes not in run.out:
                raise Failed("bare_again: not pressrun's outputs")
            seconds = run.cpu if self.bench.by_cpu else seconds_said(run)
            return {"whole": seconds, "each": seconds / self.count, "peak": run.peak}
        self.bare = self.add("bare C loop: read, split, hash, fstatat", once, self.count, self.ours)
        self.bench.checked.append("The same outputs looked at, by their sizes: bare C loop")

    def add_tree(self, key, package, command, expected, count):
        machine = self.bench.machine
        if not self.bench.has(key, command[0], package):
            return None
        tree = machine.path("tree%d" % count)
        if not os.path.exists(tree):
            workloads.build_tree(tree, count)

        def once():
            run = machine.run(command, cwd=tree)
            if expected not in run.out:
                raise Failed("%s: there was something to do: %s" % (key, run.out.split("\n")[0]))
            return figures_of(self.bench, run, count)
        title = " ".join([key, peers.debian_version(package)] + command[1:]).strip()
        return self.add(title, once, count, self.ours)

    def show(self):
        measure.print_table("Nothing changed", self.contestants,
                            [("whole", "ms", 1e3, False), ("each", "us an output", 1e6, True),
                             ("peak", "peak MB", 1, False)])

    def targets(self):
        what = "nothing changed, %s outputs: " % named(self.count)
        return [at_most(what + "times the bare loop", 1.4, self.bare and self.ours.times(self.bare, "each")),
                at_least(what + "ninja's time over it", 3, self.ninja and self.ninja.times(self.ours, "each")),
                at_least(what + "ninja's time over it, `--trust`", 10,
                         self.ninja and self.ninja.times(self.trusting, "each")),
                at_most(what + "two cores' time over one's", 1, self.two and self.two.times(self.ours, "each")),
                at_most(what + "peak memory", MOST_MEMORY_MB, self.ours.median("peak"), " MB")]


class Changes:
    """One record changed, a field that is read in one of a hundred, and one that is not in all of them."""

    def __init__(self, bench, records, count, again):
        self.bench, self.records, self.count, self.again = bench, records, count, again
        self.contestants, self.one, self.unread, self.some = [], None, None, None

    def check(self):
        def other_score(record, _):
            record["score"] = round(100 - record["score"], 1)  # of W1's scores none is 50.0

        def seen(base):
            def change(record, number):
                record["seen"] = base + number
            return change
        scratch, written = self.bench.machine.path, workloads.change_records
        one, some = scratch("records-one.jsonl"), scratch("records-some.jsonl")
        before, after = scratch("records-before.jsonl"), scratch("records-after.jsonl")
        written(self.records, one, other_score, self.count // 2 + 1)
        share = written(self.records, some, other_score, 100)
        written(self.records, before, seen(0))
        written(self.records, after, seen(10**8))
        self.one = self.add("one", "one record changed", [one, self.records], 1)
        self.unread = self.add("unread", "a field that is not read changed in all", [after, before], 0)
        self.some = self.add("some", "a field that is read changed in 1 %", [some, self.records], share)

    def add(self, name, title, variants, changed):
        project = Project(self.bench, name)
        project.variants = variants
        project.place(variants[1])
        expect_written(project.run().report, self.count)
        for _ in variants:
            project.check_variant(changed)
        self.bench.checked.append("%s, %s written, the digest of outputs made anew: pressrun"
                                  % (title.capitalize(), named(changed)))

        def once():
            project.place_other()
            run = project.run()
            expect_written(run.report, changed)
            return {"whole": time_of(self.bench, run), "rendered": run.report["rendered"], "written": run.report["written"],
                    "peak": run.peak}
        self.contestants.append(Contestant("**pressrun**, " + title, once, named(self.count), self.again.ours))
        return self.contestants[-1]

    def show(self):
        measure.print_table("Little changed, compared with nothing changed", self.contestants,
                            [("whole", "ms", 1e3, True), ("rendered", "rendered", 1, False),
                             ("written", "written", 1, False), ("peak", "peak MB", 1, False)])

    def targets(self):
        base = self.again.ours
        rendered = self.unread.median("rendered")
        return [at_most("one record changed: more than nothing changed", 100, scaled(more(self.one, base), 1e3), " ms"),
                at_most("a field that is not read changed in all: outputs rendered", 0, rendered),
                at_most("a field that is not read changed in all: more a record", 1.1,
                        scaled(more(self.unread, base), 1e6 / self.count), " us")]


def scaled(value, scale):
    return None if value is None else value * scale


class Growth:
    """Nothing changed, ten times as many outputs; and what the journal takes."""

    def __init__(self, bench, records, count, again):
        self.bench, self.records, self.count, self.again = bench, records, count, again
        self.contestants, self.ten, self.journal, self.journal_limit = [], None, None, None

    def check(self):
        many = self.bench.machine.path("records-many.jsonl")
        count = workloads.number_anew(self.records, 10, many)
        project = Project(self.bench, "many")
        project.place(many)
        expect_written(project.run().report, count)
        self.measure_journal(project, count)

        def once():
            run = project.run()
            expect_written(run.report, 0)
            return figures_of(self.bench, run, count)
        once()
        self.bench.checked.append("Nothing changed, %s outputs, nothing written: pressrun" % named(count))
        self.ten = Contestant("**pressrun**", once, named(count), self.again.ours)
        self.contestants.append(self.ten)

    def measure_journal(self, project, count):
        """After the first run: later ones append how they ended."""
        size = os.path.getsize(os.path.join(project.out, ".pressrun", "journal"))
        checked = self.bench.machine.run([self.bench.pressrun, "check", "-f", project.manifest]).out
        reads = re.search(r"^ *all reads (.*?)\n?\Z", checked, re.M | re.S).group(1)
        path = len("00/00/0000000.txt")
        self.journal = size / count
        self.journal_limit = 120 + path + 8 * len(reads.split(","))

    def show(self):
        measure.print_table("Nothing changed, ten times as many, compared with %s" % named(self.count),
                            self.contestants, [("whole", "ms", 1e3, False), ("each", "us an output", 1e6, True),
                                               ("peak", "peak MB", 1, False)])
        print("The journal has %.1f bytes an output; 120, its path and 8 a field read are %d.\n"
              % (self.journal, self.journal_limit))

    def targets(self):
        what = "%s outputs: " % named(10 * self.count)
        return [at_most(what + "time an output over that of %s" % named(self.count), 1.1,
                        self.ten.times(self.again.ours, "each")),
                at_most(what + "the journal, bytes an output", self.journal_limit, self.journal)]


class Filter:
    """Outputs that pass through a filter that sleeps: made for the first time, and after a change in one of a hundred."""

    def __init__(self, bench, records, count):
        self.bench, self.records, self.count, self.contestants = bench, records, count, []

    def check(self):
        scratch = self.bench.machine.path
        program = self.bench.tools.compiled("slow_filter.c")
        few, other = scratch("records-few.jsonl"), scratch("records-few-changed.jsonl")
        with open(self.records, encoding="utf-8") as source, open(few, "w", encoding="utf-8") as file:
            file.writelines(line for line, _ in zip(source, range(self.count)))
        changed = workloads.change_records(few, other, lambda record, _: record["tags"].append("again"), 100)
        project = Project(self.bench, "filter", through={"command": [program, str(FILTER_MS)]})

        def once():
            out = self.bench.machine.fresh()
            project.place(few)
            first = self.bench.ours(project.manifest, out, 2)
            expect_written(first.report, self.count)
            project.place(other)
            second = self.bench.ours(project.manifest, out, 2)
            expect_written(second.report, changed)
            self.bench.machine.drop(out)
            return {"first": first.seconds, "second": second.seconds, "gain": first.seconds / second.seconds,
                    "peak": second.peak}
        once()
        self.contestants.append(Contestant("**pressrun**, two workers", once, named(self.count)))

    def show(self):
        measure.print_table("Through a filter that takes %d ms, then 1 %% changed" % FILTER_MS, self.contestants,
                            [("first", "first run, ms", 1e3, False), ("second", "second run, ms", 1e3, False),
                             ("gain", "gain", 1, False), ("peak", "peak MB", 1, False)])

    def targets(self):
        return [at_least("through a filter, 1 % changed: the first run's time over the second's", 50,
                         self.contestants[0].median("gain"))]


class First(groups.Files):
    """Everything for the first time, one file each, beside a bare loop of the same system calls."""

    def targets(self):
        return [at_most("one file each, for the first time, %s: times the bare loop" % layout, 1.25,
                        bare.against.times(bare, "whole"))
                for (_, layout), bare in zip(groups.LAYOUTS.values(), self.bare)]


class Caches:
    """What cache_figures says of the file tier, in processor time."""

    SEPARATOR = "### Support task"
    SAID = {"put": r"packs, .*put ([\d.]+) us", "get": r"packs, .*get ([\d.]+) us", "size": r"packs, (\d+) bytes",
            "with": r", with ([\d.]+),", "gain": r"that is ([\d.]+) times", "entries": r"entries, (\d+) bytes"}

    def __init__(self, bench, program, records):
        self.bench, self.program, self.records = bench, program, records
        self.contestants, self.all, self.large = [], None, None

    def check(self):
        if not os.access(self.program, os.X_OK):
            self.bench.missing["cache_figures"] = "a build with tests has it; --cache-figures PATH"
            return
        project = Project(self.bench, "texts", to="prompts.txt")
        project.place(self.records)
        project.run()
        path = os.path.join(project.out, "prompts.txt")
        self.all = self.add("W1's outputs", path)
        self.large = self.add_large(path)

    def add_large(self, path):
        """Those of about 2 KB; none where they are too few to train a dictionary on and to be measured afterwards."""
        with open(path, "rb") as file:
            parts = file.read().split(self.SEPARATOR.encode())[1:]
        parts = [part for part in parts if 1800 <= len(part) < 2200]
        large = path + ".large"
        with open(large, "wb") as file:
            file.writelines(self.SEPARATOR.encode() + part for part in parts)
        return self.add("those of 1.8 to 2.2 KB", large, len(parts)) if len(parts) >= 2000 else None

    def add(self, title, path, count=None):
        def once():
            out = self.bench.machine.fresh()
            run = self.bench.machine.run([self.program, path, self.SEPARATOR, out])
            disk = sum(os.stat(name).st_blocks * 512 for name in measure.files_below(out))
            self.bench.machine.drop(out)
            found = {key: re.search(pattern, run.out) for key, pattern in self.SAID.items()}
            if not all(found.values()) or "is not what was put" in run.out:
                raise Failed("cache_figures said: " + run.out.strip())
            figures = {key: float(match.group(1)) for key, match in found.items()}
            return dict(figures, disk=disk / figures["entries"])
        once()
        with open(path, "rb") as file:
            count = count or file.read().count(self.SEPARATOR.encode())
        self.contestants.append(Contestant(title, once, named(count)))
        return self.contestants[-1]

    def show(self):
        if self.contestants:
            measure.print_table("The file tier", self.contestants,
                                [("size", "bytes each", 1, False), ("put", "put, us", 1, False),
                                 ("get", "get, us", 1, False), ("with", "compressed to 1 in", 1, False),
                                 ("gain", "over no dictionary", 1, False), ("disk", "disk over entries", 1, False)])

    def targets(self):
        if not self.all:
            return []
        large = self.large or self.all
        return [at_most("file tier, %s bytes: get" % figure(large.median("size")), 3, large.median("get"), " us"),
                at_most("file tier, %s bytes: put" % figure(large.median("size")), 6, large.median("put"), " us"),
                at_most("file tier: disk over the sum of the entries", 1.1, self.all.median("disk")),
                at_least("file tier: ratio with a dictionary over that without, W1", 2.5, self.all.median("gain"))]
