#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hostile tables, databases and directories: bad rows at every position, queries that want to write, planted links.

A bad row costs that row and is located; a query reads and does nothing else; a directory of files is read beneath
itself only.
"""
import contextlib
import os
import sqlite3
import sys

import fault

ROWS = 8
HEAD = b"id,name,n\n"
# A row that is none, and whether it swallows what follows, as nothing says where it ends.
BAD = {
    "too many fields": (b"1,a,2,3", False), "too few fields": (b"1,a", False), "one field": (b"1", False),
    "not a number": (b"1,a,x", False), "a number and more": (b"1,a,1x", False), "hexadecimal": (b"1,a,0x10", False),
    "invalid UTF-8": (b"1,\xff,2", False), "a cut sequence": (b"1,\xe2\x82,2", False), "a surrogate": (b"1,\xed\xa0\x80,2", False),
    "NUL": (b"1,a\0b,2", False), "more after a quote": (b'1,"a"b,2', False),
    "an unclosed quote": (b'1,"a,2', True), "a quote at the end": (b'1,a,2"', False), "many fields": (b"," * 100000, False),
    "invalid UTF-8 in quotes": (b'1,"\xff\n",2', False),
}


def table(at, bad):
    rows = [b"%d,name %d,%d" % (100 + i, i, i) for i in range(ROWS)]
    return HEAD + b"\n".join(rows[:at] + [bad] + rows[at:]) + b"\n"


def bad_rows(runner):
    """Each kind at each position, one source a position, so one run a kind."""
    manifest = "sources:\n" + "".join("  s%d: { path: s%d.csv, key: id, types: { n: integer } }\n" % (i, i)
                                      for i in range(ROWS + 1))
    manifest += "jobs:\n" + "".join("  j%d: { from: s%d, template: row.j2, to: s%d.txt }\n" % (i, i, i)
                                    for i in range(ROWS + 1))
    for name, (bad, swallows) in BAD.items():
        files = {"s%d.csv" % at: table(at, bad) for at in range(ROWS + 1)}
        with fault.case(dict(files, **{"pressrun.yaml": manifest, "row.j2": "{{ id }};"})) as one:
            done = runner.run(one)
            runner.find(name, fault.crashed(done), "" if done.returncode == 1 else "exit %d\n%s" % (
                done.returncode, done.stderr.decode("utf-8", "replace")[:500]), *one.strayed())
            told = {}
            for failure in one.failures():
                told.setdefault(failure["path"], []).append(failure["line"])
            for at in range(ROWS + 1):
                got = one.outputs().get("s%d.txt" % at, b"")
                want = b"".join(b"%d;" % (100 + i) for i in range(at if swallows else ROWS))
                runner.find("%s in row %d" % (name, at + 1), "" if got == want else "the good ones gave %r" % got,
                            "" if told.get("s%d.csv" % at) == [at + 2] else "told: %s" % told.get("s%d.csv" % at))


# Queries
# -----------------------------------------------------------------------------------------------------

QUERIES = [
    "attach database '../beside/new.db' as n", "attach database '../beside/out/file.txt' as n", "vacuum into '../beside/new.db'",
    "select writefile('../beside/new.txt', 'x')", "select load_extension('../beside/evil')", "drop table r", "delete from r",
    "insert into r values (9, 'x')", "update r set name = 'x'", "create table t (x)", "create temp table t (x)",
    "pragma journal_mode = wal", "pragma user_version = 7", "pragma writable_schema = on", "begin immediate", "commit",
    "select 1; drop table r", "select 1; select 2", "", ";", "-- nothing", "select", "select * from nowhere", "explain select 1",
    "select edit('x')", "select readfile('/etc/passwd')", "select * from pragma_database_list",
    "with recursive c(x) as (select 1 union all select x + 1 from c) select x from c where x < 0 limit 0",
    "select zeroblob(1 << 30)", "select hex(zeroblob(1000000)) as id", "select 1 as id, 2 as id", "select 1 as \"\"",
    "select " + ", ".join("%d as c%d" % (i, i) for i in range(1990)), "select " + "(" * 2000 + "1" + ")" * 2000,
    "select x'ff' as id", "select cast(x'ff' as text) as id", "select null as id", "select 9e999 as id", "select -9e999 as id",
]


def database(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create table r (id integer primary key, name text)")
        connection.executemany("insert into r values (?, ?)", [(i, "n%d" % i) for i in range(5)])
        connection.commit()


def queries(runner):
    """They may work or not, but they change nothing, and end."""
    for query in QUERIES:
        with fault.case({"pressrun.yaml": "sources: { r: { path: r.db, query: %s } }\njobs:\n  all: { from: r, template: t.j2, "
                                          "to: all.txt }\n" % quoted(query), "t.j2": "{{ id|default('') }};"}) as one:
            database(one.path / "r.db")
            one.seal()
            done = runner.run(one, timeout=60)
            what = "query %.60r" % query
            runner.find(what, fault.crashed(done), fault.unexplained(done), *one.strayed())
            runner.find(what, *("reads what it should not" for text in one.outputs().values() if b"root:" in text))


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def odd_databases(runner):
    """What stands in the place of a database, or of what SQLite expects beside it."""
    def missing(path):
        path.unlink()

    def other(data):
        return lambda path: path.write_bytes(data)

    def folder(path):
        path.unlink()
        path.mkdir()

    def fifo(path):
        path.unlink()
        os.mkfifo(path)

    def beside(ending, data):
        return lambda path: path.with_name(path.name + ending).write_bytes(data)

    def logged(path):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("delete from r where id > 9")

    def locked(path):
        connection = sqlite3.connect(path)
        connection.execute("begin exclusive")
        held.append(connection)

    held = []
    for name, change in {
            "missing": missing, "empty": other(b""), "text": other(b"id,name\n1,a\n"), "only a head": other(b"SQLite format 3\0"),
            "a directory": folder, "a pipe": fifo, "a journal of nonsense": beside("-journal", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 99),
            "an empty journal": beside("-journal", b""), "a log of nonsense": beside("-wal", b"7\x7f\x06\x82" * 99),
            "with a write-ahead log": logged, "locked by somebody": locked}.items():
        with fault.case({"pressrun.yaml": "sources: { r: r.db }\njobs:\n  all: { from: r, template: t.j2, to: all.txt }\n",
                         "t.j2": "{{ id }};"}) as one:
            database(one.path / "r.db")
            change(one.path / "r.db")
            one.seal()
            done = runner.run(one, timeout=60)
            what = "a database that is " + name
            well = done.returncode == 0 and one.outputs() == {"all.txt": b"0;1;2;3;4;"}
            named = done.returncode in (1, 2) and b"r.db" in done.stderr
            runner.find(what, fault.crashed(done), "" if well or named else "exit %d, %s\n%s" % (
                done.returncode, one.outputs(), done.stderr.decode()),
                        *(text for text in one.strayed() if "-shm" not in text and "-wal" not in text)) # SQLite's own
            while held:
                held.pop().close()


# Directories of files
# -----------------------------------------------------------------------------------------------------

PATTERNS = ["notes/**/*.md", "**", "**/*", "notes/../../beside/**", "../beside/*", "/etc/*", "notes/" + "*" * 50 + "x",
            "notes/" + "**/" * 40 + "*.md", "[", "notes/[!", "notes/{a,b}", "*" + "?" * 300, "notes/*\\", ""]


def patterns(runner):
    """Links that lead out, loops of links, pipes and files without rights lie in the way of patterns."""
    for pattern in PATTERNS:
        with fault.case({"pressrun.yaml": "sources: { r: { files: %s } }\njobs:\n  all: { from: r, template: t.j2, to: all.txt }\n"
                                          % quoted(pattern), "t.j2": "{{ path }}:{{ content }};", "notes/one.md": "one\n",
                         "notes/" + "a" * 200 + "xb.md": "long\n", "notes/bad.md": b"---\nid: \xff\n---\n",
                         "notes/deep.md": b"---\na: " + b"[" * 20000 + b"\n---\n",
                         "notes/bomb.md": "---\na: &a [x, x]\n" + "".join(
                             "%s: &%s [*%s, *%s, *%s, *%s]\n" % ((c, c) + (p,) * 4) for p, c in zip("abcdefghijkl", "bcdefghijklm"))
                         + "---\n"}) as one:
            notes = one.path / "notes"
            (notes / "out.md").symlink_to("../../beside/file.txt")
            (notes / "loop").symlink_to(".")
            (notes / "up").symlink_to("../..")
            (notes / "nowhere.md").symlink_to("nothing")
            (notes / "itself.md").symlink_to("itself.md")
            os.mkfifo(notes / "pipe.md")
            one.seal()
            done = runner.run(one, timeout=60)
            what = "pattern %.40r" % pattern
            runner.find(what, fault.crashed(done), fault.unexplained(done), *one.strayed())


def main():
    runner = fault.Runner(__doc__)
    for part in (bad_rows, queries, odd_databases, patterns):
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
