# SPDX-License-Identifier: MIT
"""The runs that are disturbed: 200 outputs in a few directories and one stream, or as many rows of a database.

All of them were there before, and all of them are to change.
"""
import contextlib
import json
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


class Replacement:
    """A case whose outputs are old, whose records are new; and what an undisturbed run makes of it."""

    def __init__(self, runner, one, job="", arguments=(), n=FILES, **more):
        self.one, self.runner, self.arguments = one, runner, arguments
        one.fill(files("old", job, n, **more))
        self.undisturbed(runner.run(one, *arguments))
        self.old = one.outputs()
        one.fill(files("new", job, n, **more))
        done = self.undisturbed(runner.run(one, *arguments))
        self.new, self.digest = one.outputs(), fault.last_line(done)["digest"]
        assert len(self.new) == len(self.old) == n + 1
        assert all(self.old[name] != self.new[name] for name in self.new)

    @staticmethod
    def undisturbed(done):
        assert done.returncode == 0, done.stderr.decode()
        return done

    def reset(self):
        self.one.restore(self.old)

    def remaining(self):
        """The outputs that are as they were."""
        now = self.one.outputs()
        return [name for name in self.old if now.get(name) == self.old[name]]

    def mixed(self):
        """What is neither old nor new, and what should not be there."""
        now = self.one.outputs()
        for name in sorted(set(self.old) | set(now)):
            if name.endswith(fault.TEMPORARY):
                continue
            if name not in self.old:
                yield "%s: nobody asked for it" % name
            elif now.get(name) not in (self.old[name], self.new[name]):
                yield "%s is neither old nor new: %s" % (
                    name, "gone" if name not in now else "%d bytes, %r..." % (len(now[name]), now[name][:30]))

    def incomplete(self, arguments=None):
        """What is wrong after one more run."""
        done = self.runner.run(self.one, *(self.arguments if arguments is None else arguments))
        if done.returncode != 0:
            return ["the next run: " + (fault.crashed(done) or "exit %d\n%s" % (done.returncode, done.stderr.decode()))]
        now = self.one.outputs()
        wrong = ["after the next run: %s is not as it should be" % name for name in sorted(set(now) | set(self.new))
                 if now.get(name) != self.new.get(name) and not name.endswith(fault.TEMPORARY)]
        if fault.last_line(done)["digest"] != self.digest:
            wrong.append("the next run's digest is another one: %s" % fault.last_line(done)["digest"])
        return wrong[:3] + self.one.strayed()


ROWS = """
sources: { records: { path: records.jsonl, key: id } }
jobs:
  rows: { from: records, template: row.j2, to: d/rows.sqlite, raw: true, unique: id }
"""


class Rows(Replacement):
    """The same of rows in a database: a transaction replaces all of them or none."""

    def __init__(self, runner, one, n=FILES):
        self.one, self.runner, self.arguments = one, runner, []
        files = {"pressrun.yaml": ROWS,
                 "row.j2": '{"id": {{ id }}, "version": "{{ version }}", "text": "{{ text * 40 }}"}'}
        one.fill(dict(files, **{"records.jsonl": records("old", n)}))
        self.undisturbed(runner.run(one))
        self.old = one.outputs()
        self.want = dict.fromkeys(self.rows(), "new")
        one.fill({"records.jsonl": records("new", n)})
        self.digest = fault.last_line(self.undisturbed(runner.run(one)))["digest"]
        assert len(self.want) == n and self.rows() == self.want

    def rows(self):
        """{id: version}, as whoever opens the database next sees them."""
        with contextlib.closing(sqlite3.connect(self.one.out / "d" / "rows.sqlite")) as database:
            assert database.execute("pragma integrity_check").fetchone() == ("ok",)
            return dict(database.execute("select id, version from rows"))

    def remaining(self):
        return [key for key, version in self.rows().items() if version == "old"]

    def mixed(self):
        rows = self.rows()
        if rows.keys() != self.want.keys() or set(rows.values()) not in ({"old"}, {"new"}):
            yield "%d rows, %s" % (len(rows), set(rows.values()))

    def incomplete(self, arguments=None):
        done = self.runner.run(self.one, *(arguments or []))
        if done.returncode != 0:
            return ["the next run: " + (fault.crashed(done) or "exit %d\n%s" % (done.returncode, done.stderr.decode()))]
        wrong = [] if self.rows() == self.want else ["after the next run: other rows"]
        if fault.last_line(done)["digest"] != self.digest:
            wrong.append("the next run's digest is another one")
        return wrong + ["after the next run: " + name for name in self.one.outputs() if name not in self.old] + \
            self.one.strayed()
