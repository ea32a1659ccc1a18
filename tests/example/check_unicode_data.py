#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_unicode_data.py PRESSRUN EXAMPLE: runs the unicode-data example and holds its outputs against the data itself.

Everything expected is computed here from UnicodeData.txt: which pages there are and what they list, every row of the
table, every line of the data set; and that a second run changes nothing. Exit 77 where the data are not installed.
"""
import collections
import html
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

DATA = "/usr/share/unicode/UnicodeData.txt"
CODE, NAME, CATEGORY, COMBINING, DECIMAL, OLD_NAME, UPPER, LOWER = 0, 1, 2, 3, 6, 10, 12, 13


def run(pressrun, example, out, workers):
    done = subprocess.run([pressrun, "run", "--json", "-j", str(workers), "-C", example, "-o", out],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def read(out, path):
    with open(os.path.join(out, path), encoding="utf-8") as file:
        return file.read()


def check_pages(out, characters):
    by_category = collections.defaultdict(list)
    for c in characters:
        by_category[c[CATEGORY]].append(c)
    assert sorted(os.listdir(os.path.join(out, "categories"))) == sorted(k + ".html" for k in by_category)
    index = read(out, "index.html")
    for category, members in by_category.items():
        page = read(out, "categories/%s.html" % category)
        rows = re.findall(r'<td class="code">U\+(\w+)</td><td>(.*?)</td>', page)
        want = [(c[CODE], c[NAME] + (" (%s)" % c[OLD_NAME].lower() if c[OLD_NAME] else "")) for c in members]
        assert [(code, html.unescape(name)) for code, name in rows] == want, category
        assert 'href="categories/%s.html"' % category in index and "<td>%d</td>" % len(members) in index


def check_table(out, characters):
    database = sqlite3.connect("file:%s?mode=ro" % os.path.join(out, "characters.sqlite"), uri=True)
    rows = database.execute('SELECT code, number, name, category, combining, "decimal", upper, lower FROM characters '
                            "ORDER BY rowid").fetchall()
    want = [(c[CODE], int(c[CODE], 16), c[NAME], c[CATEGORY], int(c[COMBINING]), int(c[DECIMAL]) if c[DECIMAL] else None,
             c[UPPER] or None, c[LOWER] or None) for c in characters]
    assert rows == want
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def check_cases(out, characters):
    packed = subprocess.run(["zstd", "-dc", os.path.join(out, "cases.jsonl.zst")], capture_output=True, check=True)
    want = [{"code": c[CODE], "upper": c[UPPER] or None, "lower": c[LOWER] or None}
            for c in characters if c[UPPER] or c[LOWER]]
    assert [json.loads(line) for line in packed.stdout.splitlines()] == want


def main():
    pressrun, example = os.path.abspath(sys.argv[1]), sys.argv[2]
    if not os.path.exists(DATA):
        print("skipped: Debian's unicode-data is not installed (packages.txt names it)")
        return 77
    with open(DATA, encoding="ascii") as file:
        characters = [line.rstrip("\n").split(";") for line in file]
    with tempfile.TemporaryDirectory() as scratch:
        one, two = os.path.join(scratch, "one"), os.path.join(scratch, "two")
        report = run(pressrun, example, one, 1)
        check_pages(one, characters)
        check_table(one, characters)
        check_cases(one, characters)
        assert run(pressrun, example, two, 3)["digest"] == report["digest"]
        again = run(pressrun, example, one, 2)
        assert (again["written"], again["bytes_written"]) == (0, 0), "nothing has changed, so nothing is written"
        assert (again["loaded"], again["up_to_date"]) == (0, report["rendered"]), "nothing is to be done"
        assert again["digest"] == report["digest"]
    print("%d characters, %d outputs, as they should be" % (len(characters), report["written"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
