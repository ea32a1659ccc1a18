# SPDX-License-Identifier: MIT
"""The runs that are disturbed: 200 outputs in a few directories and one stream, or as many rows of a database.

All of them were there before, made by a run that left its journal, and all of them are to change. What a disturbed run
may leave, what the next one must make of it, and that the one after that has nothing to do, is asked here, too.
"""
import contextlib
import json
import shutil
import sqlite3

import fault

FILES = 200
# The file of record 7 comes in pieces, which go into the sink while they are rendered.

TEMPLATE = ("{{ version }} {{ id }} {{ text }}{% if id == 7 %}{% for i in range(4) %}{{ version * 230000 }}{% endfor %}{% endif %}"
            "{{ text * (id % 3 if version == 'new' else id % 4) }} end of {{ id }}\n") # longer, shorter or as long

MANIFEST = """
sources: { records: { path: records.jsonl, key: id } }
jobs:
  files: { from: records, template: card.j2, to: "d{{ id %% 5 }}/{{ id }}.txt"%s }
  stream: { from: records, template: line.j2, to: all.jsonl }
"""


def records(version, n=FILES):
    return "".join(json.dumps({"id": i, "version": version, "text": "text %d " % i * (i % 9 + 1)}) + "\n"
                   for i in range(n))


def files(version, job="", n=FILES, line="{{ version }} {{ id }} {{ text }}"):
    return {"pressrun.yaml": MANIFEST % job, "templates/card.j2": TEMPLATE,
            "templates/line.j2": line, "records.jsonl": records(version, n)}


# Some records are left out, others than before; some records, groups and outputs come, some go, some stay as they are. Cities have
# the records that belong to them.
RICH = """
globals: { site: here }
sources:
  records: { path: records.jsonl, key: id }
  cities: { path: cities.csv, join: { people: { from: records, on: "'c%%d' | format(id %% 12)", key: name } } }
jobs:
  files: { from: records, where: "not out", template: card.j2, to: "d{{ id %% 5 }}/e{{ id %% 2 }}/{{ id }}.txt"%s }
  groups: { from: records, group_by: kind, template: group.j2, to: "g/{{ group }}.txt" }
  stream: { from: records, template: line.j2, to: all.jsonl }
  cities: { from: cities, template: city.j2, to: "cities/{{ name }}.txt" }
  rows: { from: records, template: row.j2, to: t/rows.sqlite, raw: true, unique: id }
"""


def rich_files(version, job="", n=FILES):
    new = version == "new"
    rows = [{"id": i, "version": version if i % 4 else "any", "kind": "k%d" % (i % 7 + new),
             "out": i % 10 == 3 + new, "text": "text %d " % i * (i % 9 + 1), "unread": version}
            for i in range(10 * new, n + 5 * new)]
    return {"pressrun.yaml": RICH % job, "templates/card.j2": "{{ site }} {{ version }} {{ id }} {{ text }}\n",
            "templates/group.j2": "{{ group }}:{% for r in records %} {{ r.id }} {{ r.version }}{% endfor %}\n",
            "templates/line.j2": "{{ version }} {{ id }}", "templates/city.j2": "{{ name }} has {{ number }}:{% for r in people %} {{ r.id }} {{ r.version }}{% endfor %}\n",
            "templates/row.j2": '{"id": {{ id }}, "version": "{{ version }}"}',
            "records.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
            "cities.csv": "name,number\n" + "".join("c%d,%d\n" % (i, i) for i in range(12))}


class Replacement:
    """A case whose outputs are old, whose records are new; and what an undisturbed run makes of it."""

    make = staticmethod(files)

    def __init__(self, runner, one, job="", arguments=(), n=FILES, **more):
        self.one, self.runner, self.arguments, self.n = one, runner, list(arguments), n
        self.sources = {version: self.make(version, job, n, **more) for version in ("old", "new")}
        one.fill(self.sources["old"])
        self.old_digest = fault.last_line(self.undisturbed(runner.run(one, *self.arguments)))["digest"]
        self.old = self.outputs()
        one.fill(self.sources["new"])
        self.digest = fault.last_line(self.undisturbed(runner.run(one, *self.arguments)))["digest"]
        self.new = self.outputs()
        self.did = self.idle()
        self.up_to_date = self.did["up_to_date"]
        self.check()
        assert not self.busy(), self.busy()

    def check(self):
        assert len(self.new) == len(self.old) == self.n + 1
        assert all(self.old[name] != self.new[name] for name in self.new)
        assert self.up_to_date == 2 * self.n, self.did

    @staticmethod
    def undisturbed(done):
        assert done.returncode == 0, done.stderr.decode()
        return done

    def outputs(self):
        """{path: what is in it}"""
        return self.one.outputs()

    def reset(self):
        """The old outputs and what the run that made them remembers; the new records."""
        shutil.rmtree(self.one.out, ignore_errors=True)
        self.one.fill(self.sources["old"])
        self.undisturbed(self.runner.run(self.one, *self.arguments))
        self.one.fill(self.sources["new"])

    def reset_bare(self):
        """The old outputs, and nobody remembers them."""
        self.one.restore(self.old)

    def remaining(self):
        """The outputs that are as they were."""
        now = self.outputs()
        return [name for name in self.old if now.get(name) == self.old[name] != self.new.get(name)]

    def mixed(self):
        """What is neither old nor new, and what should not be there."""
        now = self.outputs()
        for name in sorted(set(self.old) | set(self.new) | set(now)):
            if name.endswith(fault.TEMPORARY):
                continue
            if name not in self.old and name not in self.new:
                yield "%s: nobody asked for it" % name
            elif now.get(name) not in (self.old.get(name), self.new.get(name)):
                yield "%s is neither old nor new: %s" % (
                    name, "gone" if name not in now else "%d bytes, %r..." % (len(now[name]), now[name][:30]))

    def idle(self):
        """A run that should have nothing to do: what it did."""
        return fault.last_line(self.undisturbed(self.runner.run(self.one, *self.arguments)))

    def busy(self):
        """What is wrong with a further run, which should do nothing."""
        did = self.idle()
        wrong = ["a further run: %d %s" % (did[key], key) for key in ("loaded", "rendered", "written", "pruned") if did[key]]
        if did["up_to_date"] != self.up_to_date or did["digest"] != self.digest:
            wrong.append("a further run: %d up to date, not %d" % (did["up_to_date"], self.up_to_date))
        return wrong

    def incomplete(self, arguments=None):
        """What is wrong after one more run, and with the one after that."""
        done = self.runner.run(self.one, *(self.arguments if arguments is None else arguments))
        if done.returncode != 0:
            return ["the next run: " + (fault.crashed(done) or "exit %d\n%s" % (done.returncode, done.stderr.decode()))]
        now = self.outputs()
        wrong = ["after the next run: " + name for name in sorted(set(now) | set(self.new))
                 if now.get(name) != self.new.get(name)]
        if fault.last_line(done)["digest"] != self.digest:
            wrong.append("the next run's digest is another one")
        self.next = fault.last_line(done)
        return wrong[:3] + self.busy() + self.one.strayed()

    def not_gone_back(self, *more):
        """What is wrong when the old records are back, and with a further run. What is new may stay, rows too."""
        self.one.fill(self.sources["old"])
        done = self.runner.run(self.one, *self.arguments, *more)
        if done.returncode != 0:
            return ["back again: " + (fault.crashed(done) or "exit %d\n%s" % (done.returncode, done.stderr.decode()))]
        now = self.outputs()
        wrong = ["back again: " + name for name in self.old
                 if now.get(name) != self.old[name] and ".sqlite" not in name]
        digests = [fault.last_line(done)["digest"], self.idle()["digest"]]
        if digests != [self.old_digest] * 2 or self.idle()["loaded"]:
            wrong.append("back again: another digest, or a further run loads records")
        return wrong[:3] + self.one.strayed()


class Compacting(Replacement):
    """The journal is mostly outdated, so that the run ends with writing it anew."""

    def reset(self):
        shutil.rmtree(self.one.out, ignore_errors=True)
        for version in ("new", "old"):
            self.one.fill(self.sources[version])
            self.undisturbed(self.runner.run(self.one, *self.arguments))
        self.one.fill(self.sources["new"])

    def check(self):
        super().check()
        self.reset()
        before = self.one.journal().stat()
        self.idle()
        after = self.one.journal().stat()
        assert after.st_ino != before.st_ino and after.st_size < before.st_size * 0.7, (before, after)


def rows_of(path):
    """{id: version}, as whoever opens the database next sees them."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        if not database.execute("select 1 from sqlite_master where name = 'rows'").fetchone():
            return {} # a run was killed before anything was in it
        return dict(database.execute("select id, version from rows"))


class Rich(Replacement):
    """Groups, a stream, a table, records that are left out, a second source that joins the first one."""

    make = staticmethod(rich_files)

    def check(self):
        assert len(self.old) > self.n * 0.9 and self.old != self.new
        assert "--prune" not in self.arguments or "g/k0.txt" in self.old and "g/k0.txt" not in self.new

    def outputs(self):
        now = {name: data for name, data in self.one.outputs().items() if ".sqlite" not in name}
        if (self.one.out / "t" / "rows.sqlite").exists():
            now["t/rows.sqlite"] = repr(rows_of(self.one.out / "t" / "rows.sqlite"))
        return now


ROWS = """
sources: { records: { path: records.jsonl, key: id } }
jobs:
  rows: { from: records, template: row.j2, to: d/rows.sqlite, raw: true, unique: id }
"""


def rows_files(version, job="", n=FILES):
    assert not job
    return {"pressrun.yaml": ROWS, "records.jsonl": records(version, n),
            "row.j2": '{"id": {{ id }}, "version": "{{ version }}", "text": "{{ text * 40 }}"}'}


class Rows(Replacement):
    """The same of rows in a database: a transaction replaces all of them or none."""

    make = staticmethod(rows_files)

    def check(self):
        self.want = self.rows()
        assert self.want == dict.fromkeys(range(self.n), "new")

    def rows(self):
        return rows_of(self.one.out / "d" / "rows.sqlite")

    def remaining(self):
        return [key for key, version in self.rows().items() if version == "old"]

    def mixed(self):
        rows = self.rows()
        if rows.keys() != self.want.keys() or set(rows.values()) not in ({"old"}, {"new"}):
            yield "%d rows, %s" % (len(rows), set(rows.values()))

    def incomplete(self, arguments=None):
        done = self.runner.run(self.one, *(arguments or self.arguments))
        if done.returncode != 0:
            return ["the next run: " + (fault.crashed(done) or "exit %d\n%s" % (done.returncode, done.stderr.decode()))]
        wrong = [] if self.rows() == self.want else ["after the next run: other rows"]
        if fault.last_line(done)["digest"] != self.digest:
            wrong.append("the next run's digest is another one")
        self.next = fault.last_line(done)
        return wrong + ["after the next run: " + name for name in self.one.outputs() if name not in self.old] + \
            self.busy() + self.one.strayed()
