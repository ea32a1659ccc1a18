# SPDX-License-Identifier: MIT
"""The groups of comparisons. Each says what it checks before any time is taken, who is measured, and prints a table.

A group has `check()`, which compares outputs and fills `contestants`, and `show()`, which prints what was measured.
"""
import json
import os

import measure
import peers
import workloads
from context import hugo_title, named, seconds_said
from measure import Contestant, Failed
from workloads import COLUMNS, COUNTS, WORKLOADS

LAYOUTS = {  # how outputs lie in directories: (pressrun's path, what it is called)
    "order": ("{{ id[4:7] }}/{{ id[4:] }}.txt", "a thousand files a directory"),
    "turns": ("{{ id[-2:] }}/{{ id[4:] }}.txt", "a hundred directories in turns"),
}
FILES_PEERS = ("jinja2", "nunjucks", "minijinja-js", "ctemplate", "wontache", "mustache")


class Templates:
    """One of W1 to W3: rendering alone, and the whole job to one file. pressrun does it in Jinja and in Mustache; peers
    that want the fields computed beforehand are compared with the latter, which sees the same fields."""

    def __init__(self, bench, key):
        self.bench, self.key, self.workload = bench, key, WORKLOADS[key]
        self.contestants = []
        self.mustache = None

    def manifest(self, records, mustache=False):
        scratch = self.bench.machine.scratch
        template = peers.MUSTACHE[self.key] if mustache else self.workload.template
        path = os.path.basename(workloads.records_path(scratch, records, mustache))
        return workloads.manifest(scratch, "%s-%s-%d" % (self.key, records, mustache), {"path": path},
                                  {"template": template, "to": self.workload.output})

    def check_ours(self, mustache):
        bench, workload = self.bench, self.workload
        out = bench.machine.fresh()
        bench.ours(self.manifest(workload.check, mustache), out)
        if measure.sha256_of(os.path.join(out, workload.output)) != workload.hash:
            raise Failed("%s: pressrun's output has not the published hash" % self.key)
        bench.machine.drop(out)

    def check(self):
        bench, workload = self.bench, self.workload
        timed = bench.records(large=True) if self.key == "w1" else workload.timed
        self.check_ours(False)
        self.check_ours(True)
        self.contestants.append(Contestant("**pressrun**", lambda: self.run_ours(timed, 1), named(COUNTS[timed])))
        self.mustache = Contestant("**pressrun**, Mustache", lambda: self.run_ours(timed, 1, mustache=True),
                                   named(COUNTS[timed]))
        self.mustache.against = self.mustache
        self.contestants.append(self.mustache)
        if self.key == "w1" and len(bench.machine.cpus) > 1:
            self.contestants.append(Contestant("pressrun, two cores", lambda: self.run_ours(timed, 2),
                                               named(COUNTS[timed])))
            self.check_workers(timed)
        right = ["pressrun", "pressrun's Mustache"]
        for peer in peers.PEERS:
            if peer.key in bench.ready and self.key in peer.templates and self.check_peer(peer):
                right.append(peer.name)
                self.add_peer(peer)
        bench.checked.append("%s, the published hash: %s" % (self.key.upper(), ", ".join(right)))

    def check_workers(self, timed):
        digests = set()
        for workers in (1, 2, 4, 8):
            out = self.bench.machine.fresh()
            digests.add(self.bench.ours(self.manifest(timed), out, workers).report["digest"])
            self.bench.machine.drop(out)
        if len(digests) != 1:
            raise Failed("w1: the digest depends on the number of workers")
        self.bench.checked.append("W1, the same digest from 1, 2, 4 and 8 workers: pressrun")

    def check_peer(self, peer):
        def action(out):
            path = os.path.join(out, "out")
            self.bench.theirs(peer, "jsonl", self.key, self.workload.check, path)
            return self.bench.expect(peer.title, path, self.workload.hash, self.key.upper())
        return self.bench.try_peer(peer.title, self.key.upper(), action)

    def add_peer(self, peer):
        timed = self.bench.records(peer.large) if self.key == "w1" else self.workload.timed
        self.contestants.append(Contestant(peer.title, lambda: self.run_theirs(peer, timed), named(COUNTS[timed]),
                                           self.mustache if peer.view else None))

    def run_ours(self, records, workers, mustache=False):
        out = self.bench.machine.fresh()
        run = self.bench.ours(self.manifest(records, mustache), out, workers)
        self.bench.machine.drop(out)
        n = COUNTS[records]
        figures = {"whole": run.seconds / n, "peak": run.peak}
        if workers == 1:
            figures["render"] = run.report["stage_seconds"]["render"] / n
        return figures

    def run_theirs(self, peer, records):
        machine, n = self.bench.machine, COUNTS[records]
        out = machine.fresh()
        whole = self.bench.theirs(peer, "jsonl", self.key, records, os.path.join(out, "out"))
        machine.drop(out)
        render = self.bench.theirs(peer, "render", self.key, records, "-")
        return {"render": seconds_said(render) / n, "whole": whole.seconds / n, "peak": whole.peak}

    def show(self):
        unit, scale = ("ms", 1e3) if self.key == "w3" else ("us", 1e6)
        metrics = [("render", "render only, %s a %s" % (unit, self.workload.unit), scale, True),
                   ("whole", "whole job to one file, %s a %s" % (unit, self.workload.unit), scale, True),
                   ("peak", "peak MB", 1, False)]
        measure.print_table(self.workload.title, self.contestants, metrics)


class Files:
    """W1, the whole job, one file each: directory after directory, and in directories that take turns, as the peers
    do it."""

    def __init__(self, bench):
        self.bench, self.contestants, self.bare = bench, [], []

    def manifest(self, records, layout):
        return workloads.manifest(self.bench.machine.scratch, "files-%s-%s" % (layout, records),
                                  {"path": records + ".jsonl"},
                                  {"template": "prompt.j2", "to": LAYOUTS[layout][0]})

    def check(self):
        bench = self.bench
        right = ["pressrun"]
        for layout in LAYOUTS:
            self.add_ours(bench.records(large=True), layout)
        if self.bare:
            right.append("bare C loop")
        ours = self.contestants[-2] if self.bare else self.contestants[-1]
        for peer in peers.PEERS:
            if peer.key in bench.ready and peer.key in FILES_PEERS and self.check_peer(peer):
                right.append(peer.name)
                self.add(peer.title, lambda peer=peer: self.run_theirs(peer), "records_10k", ours)
        if self.add_hugo(ours):
            right.append("Hugo")
        bench.checked.append("W1, one file each, the published hash: %s" % ", ".join(right))

    def add(self, name, once, records, against):
        self.contestants.append(Contestant(name, once, named(COUNTS[records]), against))
        return self.contestants[-1]

    def add_ours(self, records, layout):
        machine = self.bench.machine
        out = machine.fresh()
        self.bench.ours(self.manifest("records_10k", layout), out)
        if measure.sha256_of(out) != WORKLOADS["w1"].hash:
            raise Failed("files: pressrun's outputs have not the published hash")
        machine.drop(out)
        ours = self.add("**pressrun**, " + LAYOUTS[layout][1], lambda: self.run_ours(records, layout), records, None)
        ours.against = ours
        program = self.bench.compiled("bare_files", "bare_files.c")
        if program:
            if not self.bare:
                self.gather(records, layout)
            self.add_bare(program, records, layout, ours)

    def gather(self, records, layout):
        """The bare loop's outputs are pressrun's own, in two files, so that it has them in memory."""
        machine = self.bench.machine
        out = machine.fresh()
        self.bench.ours(self.manifest(records, layout), out)
        with open(machine.path("bare.txt"), "wb") as texts, \
                open(machine.path("bare.sizes"), "w", encoding="ascii") as sizes:
            for path in measure.files_below(out):
                with open(path, "rb") as file:
                    text = file.read()
                texts.write(text)
                sizes.write("%d\n" % len(text))
        machine.drop(out)

    def add_bare(self, program, records, layout, ours):
        machine = self.bench.machine
        texts = machine.path("bare.txt")

        def once(check=False):
            out = machine.fresh()
            run = machine.run([program, machine.path("bare.sizes"), texts, os.path.join(out, "out"), layout])
            if check and measure.sha256_of(out) != measure.sha256_of(texts):
                raise Failed("bare_files: its outputs are not pressrun's")
            machine.drop(out)
            return {"whole": seconds_said(run) / COUNTS[records]}
        once(check=True)
        self.bare.append(self.add("bare C loop of the same system calls", once, records, ours))

    def check_peer(self, peer):
        def action(out):
            self.bench.theirs(peer, "files", "w1", "records_10k", os.path.join(out, "out"))
            return self.bench.expect(peer.title, out, WORKLOADS["w1"].hash, "W1, one file each")
        return self.bench.try_peer(peer.title, "W1, one file each", action)

    def add_hugo(self, ours):
        machine, command = self.bench.machine, self.bench.hugo()
        if not command:
            return False

        def once():
            out = machine.fresh()
            run = machine.run(command + [os.path.join(out, "public")])
            machine.drop(out)
            return {"whole": run.seconds / COUNTS["records_10k"], "peak": run.peak}
        self.add(hugo_title(), once, "records_10k", ours)
        return True

    def run_ours(self, records, layout):
        out = self.bench.machine.fresh()
        run = self.bench.ours(self.manifest(records, layout), out)
        self.bench.machine.drop(out)
        return {"whole": run.seconds / COUNTS[records], "peak": run.peak}

    def run_theirs(self, peer):
        out = self.bench.machine.fresh()
        run = self.bench.theirs(peer, "files", "w1", "records_10k", os.path.join(out, "out"))
        self.bench.machine.drop(out)
        return {"whole": run.seconds / COUNTS["records_10k"], "peak": run.peak}

    def show(self):
        measure.print_table("W1, one file each", self.contestants,
                            [("whole", "whole job, us a file", 1e6, True), ("peak", "peak MB", 1, False)])
        if self.bare:
            print("pressrun takes %s times as long as the bare loop.\n" %
                  " and ".join(measure.figure(bare.against.times(bare, "whole")) for bare in self.bare))


class Nothing:
    """Run again where nothing has changed: as many outputs as there are edges or pages."""

    def __init__(self, bench):
        self.bench, self.contestants = bench, []

    def check(self):
        sizes = ["records_10k"] if self.bench.quick else ["records_10k", "records"]
        for records in sizes:
            self.add_ours(records)
        base = self.contestants[:]
        for records, ours in zip(sizes, base):
            self.add_tree(records, ours)
        self.add_hugo(base[0])

    def add_ours(self, records):
        bench, machine = self.bench, self.bench.machine
        manifest = workloads.manifest(machine.scratch, "again-" + records, {"path": records + ".jsonl"},
                                      {"template": "prompt.j2", "to": LAYOUTS["order"][0]})
        out, n = machine.fresh(), COUNTS[records]
        bench.ours(manifest, out)

        def once():
            run = bench.ours(manifest, out)
            if run.report["written"] or run.report["failed"]:
                raise Failed("noop: pressrun wrote what had not changed")
            return {"whole": run.seconds, "each": run.seconds / n, "peak": run.peak}
        once()
        bench.checked.append("Nothing changed, %s outputs, nothing written: pressrun" % named(n))
        ours = Contestant("**pressrun**", once, named(n))
        ours.against = ours
        self.contestants.append(ours)

    def add_tree(self, records, ours):
        machine, n = self.bench.machine, COUNTS[records]
        with_ninja = self.bench.has("ninja", "ninja", "ninja-build")
        with_make = n == 10000 and self.bench.has("make", "make", "make")
        if not with_ninja and not with_make:
            return
        tree = machine.path("tree%d" % n)
        workloads.build_tree(tree, n)

        def add(name, argv, expected):
            def once():
                run = machine.run(argv, cwd=tree)
                if expected not in run.out:
                    raise Failed("%s: there was something to do: %s" % (argv[0], run.out.split("\n")[0]))
                return {"whole": run.seconds, "each": run.seconds / n, "peak": run.peak}
            once()
            self.contestants.append(Contestant(name, once, named(n), against=ours))
        if with_ninja:
            add("ninja %s" % peers.debian_version("ninja-build"), ["ninja"], "no work to do")
        if with_make:
            add("make %s, -r" % peers.debian_version("make"), ["make", "-r"], "Nothing to be done")

    def add_hugo(self, ours):
        machine, n, command = self.bench.machine, COUNTS["records_10k"], self.bench.hugo()
        if not command:
            return
        out = machine.fresh()
        machine.run(command + [out])

        def once():
            run = machine.run(command + [out])
            return {"whole": run.seconds, "each": run.seconds / n, "peak": run.peak}
        self.contestants.append(Contestant(hugo_title(), once, named(n), against=ours))

    def show(self):
        measure.print_table("W1 again, nothing changed", self.contestants,
                            [("whole", "ms", 1e3, True), ("each", "us an output", 1e6, False),
                             ("peak", "peak MB", 1, False)])


PYTHON_CSV = """
import csv, sys, time
started, n = time.perf_counter(), 0
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    for row in csv.reader(file):
        n += 1
print("csv: %d records %.6f s" % (n - 1, time.perf_counter() - started))
"""


class Sources:
    """Rows of eight columns to values, none of them rendered: the load stage's own time."""

    def __init__(self, bench):
        self.bench, self.contestants, self.bare, self.ours = bench, [], None, None

    def check(self):
        machine = self.bench.machine
        self.count = 100000 if self.bench.quick else 1000000
        digest = workloads.write_rows(machine.scratch, "some", 10000)
        workloads.write_rows(machine.scratch, "many", self.count)
        if self.check_ours("CSV", {"path": "some.csv"}, digest):
            self.add_ours("CSV", {"path": "many.csv"})
            self.add_python()
        if self.check_ours("SQLite", {"path": "some.db", "table": "rows"}, digest):
            self.ours = self.add_ours("SQLite", {"path": "many.db", "table": "rows"})
            self.add_bare()

    def check_ours(self, what, source, digest):
        manifest = workloads.manifest(self.bench.machine.scratch, "check" + what, source,
                                      {"template": "row.j2", "to": "rows.txt"})

        def action(out):
            self.bench.ours(manifest, out)
            if measure.sha256_of(os.path.join(out, "rows.txt")) != digest:
                raise Failed("%s: the values are not those written" % what)
            self.bench.checked.append("%s, 10,000 rows as written: pressrun" % what)
            return True
        return self.bench.try_peer("pressrun", "a source of " + what, action)

    def add_ours(self, what, source):
        # Names all columns, so that all become values, and is false at the first.
        where = " and ".join(['id == "none"'] + COLUMNS[1:])
        manifest = workloads.manifest(self.bench.machine.scratch, "load" + what, source,
                                      {"where": where, "template": "row.j2", "to": "rows.txt"})

        def once():
            out = self.bench.machine.fresh()
            run = self.bench.ours(manifest, out)
            self.bench.machine.drop(out)
            if run.report["loaded"] != self.count:
                raise Failed("%s: %d rows were loaded" % (what, run.report["loaded"]))
            return {"load": run.report["stage_seconds"]["load"] / self.count, "whole": run.seconds / self.count,
                    "peak": run.peak}
        ours = Contestant("**pressrun, %s**" % what, once, named(self.count))
        ours.against = ours
        self.contestants.append(ours)
        return ours

    def add_python(self):
        machine = self.bench.machine
        if self.bench.wants("csv"):
            def once():
                run = machine.run(["/usr/bin/python3", "-c", PYTHON_CSV, machine.path("many.csv")])
                return {"load": seconds_said(run) / self.count, "whole": run.seconds / self.count, "peak": run.peak}
            self.contestants.append(Contestant("Python's csv.reader, lists of texts", once, named(self.count),
                                               against=self.contestants[-1]))

    def add_bare(self):
        machine = self.bench.machine
        program = self.bench.compiled("bare_sqlite", "bare_sqlite.c", "sqlite3", needs="libsqlite3-dev")
        if program:
            query = "SELECT %s FROM rows" % ", ".join(COLUMNS)

            def once():
                run = machine.run([program, machine.path("many.db"), query])
                return {"load": seconds_said(run) / self.count, "whole": run.seconds / self.count, "peak": run.peak}
            self.bare = Contestant("bare sqlite3_step loop, the same columns", once, named(self.count),
                                   against=self.ours)
            self.contestants.append(self.bare)

    def show(self):
        if not self.contestants:
            return
        measure.print_table("Rows of eight columns to values", self.contestants,
                            [("load", "loading, us a row", 1e6, True), ("whole", "whole process, us a row", 1e6, True),
                             ("peak", "peak MB", 1, False)])
        if self.bare:
            print("pressrun takes %s times as long as the bare SQLite loop.\n" %
                  measure.figure(self.ours.times(self.bare, "load")))


class Projection:
    """W1 with 5 KB of fields added to each record that no template reads: what skipping them costs."""

    def __init__(self, bench):
        self.bench, self.contestants, self.plain = bench, [], None

    def manifest(self, records):
        return workloads.manifest(self.bench.machine.scratch, "unread-" + records, {"path": records + ".jsonl"},
                                  {"template": "prompt.j2", "to": "prompts.txt"})

    def check(self):
        records = "records_10k"
        self.plain = self.add("W1", records, None)
        digest = self.digest(records)
        for kind in workloads.UNREAD:
            name = workloads.write_unread(self.bench.machine.scratch, records, kind)
            if self.digest(name) != digest:
                raise Failed("projection: unread fields change the outputs")
            self.add("W1 and 5 KB unread, %s" % kind, name, self.plain)
        self.bench.checked.append("W1 with unread fields, the same digest as without: pressrun")

    def digest(self, records):
        out = self.bench.machine.fresh()
        run = self.bench.ours(self.manifest(records), out)
        self.bench.machine.drop(out)
        return run.report["digest"]

    def add(self, title, records, against):
        n = COUNTS["records_10k"]

        def once():
            out = self.bench.machine.fresh()
            run = self.bench.ours(self.manifest(records), out)
            self.bench.machine.drop(out)
            return {"load": run.report["stage_seconds"]["load"] / n, "whole": run.seconds / n, "peak": run.peak}
        added = Contestant(title, once, named(n), against=against)
        added.against = against or added
        self.contestants.append(added)
        return added

    def show(self):
        measure.print_table("Fields that no template reads", self.contestants,
                            [("load", "loading, us a record", 1e6, False), ("whole", "whole job, us a record", 1e6, True),
                             ("peak", "peak MB", 1, False)])


class Memory:
    """Whether peak memory stays where it is as the input grows tenfold."""

    def __init__(self, bench):
        self.bench, self.contestants = bench, []

    def check(self):
        machine = self.bench.machine
        workloads.repeat(machine.path("records.jsonl"), 10, machine.path("records_1m.jsonl"))
        for records, n in (("records", 100000), ("records_1m", 1000000)):
            manifest = workloads.manifest(machine.scratch, "memory-" + records, {"path": records + ".jsonl"},
                                          {"template": "prompt.j2", "to": "prompts.txt"})
            self.contestants.append(Contestant("pressrun, two workers", lambda m=manifest: self.once(m), named(n)))

    def once(self, manifest):
        out = self.bench.machine.fresh()
        run = self.bench.ours(manifest, out, 2)
        self.bench.machine.drop(out)
        return {"seconds": run.seconds, "peak": run.peak}

    def show(self):
        measure.print_table("W1, ten times as long", self.contestants,
                            [("seconds", "seconds", 1, False), ("peak", "peak MB", 1, False)])


class Page:
    """One page of a gigabyte: how fast, and in how much memory."""

    SINKS = (("page.txt", "a file of a stream"), ("{{ id }}.txt", "a file of its own"), ("page.jsonl", "JSON lines"),
             ("page.txt.zst", "compressed"))
    TEMPLATE = ("{% for i in range(rounds) %}{% for row in rows %}<tr><td>{{ i }}</td><td>{{ row.name }}</td><td>{{ row.text }}"
                "</td><td>{{ row.name ~ '-' ~ i }}</td></tr>\n{% endfor %}{% endfor %}")

    def __init__(self, bench):
        self.bench, self.contestants = bench, []

    def check(self):
        machine = self.bench.machine
        rows = [{"name": "Name & Co %d" % i, "text": "Some <text> of " + "words " * (i % 7)} for i in range(1000)]
        with open(machine.path("page.jsonl"), "w", encoding="utf-8") as file:
            json.dump({"id": 1, "rounds": 9000, "rows": rows}, file)
            file.write("\n")
        with open(machine.path("page.j2"), "w", encoding="utf-8") as file:
            file.write(self.TEMPLATE)
        for to, title in self.SINKS:
            path = machine.path("page-%d.json" % len(self.contestants))
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"templates": ["."], "sources": {"page": {"path": "page.jsonl"}},
                           "jinja": {"autoescape": True}, "limits": {"output_bytes": "2GiB", "steps": 100000000,
                                                                     "seconds": 1000},
                           "jobs": {"page": {"from": "page", "template": "page.j2", "to": to}}}, file)
            self.contestants.append(Contestant("pressrun, " + title, lambda m=path: self.once(m), "1"))

    def once(self, manifest):
        out = self.bench.machine.fresh()
        run = self.bench.ours(manifest, out)
        self.bench.machine.drop(out)
        return {"seconds": run.seconds, "rate": run.report["output_bytes"] / run.seconds / 1e6, "peak": run.peak}

    def show(self):
        measure.print_table("One page of 1.1 GB", self.contestants,
                            [("seconds", "seconds", 1, False), ("rate", "MB/s", 1, False), ("peak", "peak MB", 1, False)])
