#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_iso_codes.py PRESSRUN EXAMPLE: runs the iso-codes example and holds its outputs against the data itself.

Everything expected is computed here from Debian's JSON files: how many files there are and where, what the pages
list, what the data sets hold. Exit 77 where the data are not installed.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

DATA = "/usr/share/iso-codes/json"
TYPES = {"L": "living", "E": "extinct", "A": "ancient", "H": "historical", "C": "constructed", "S": "special"}


def load(name):
    with open(os.path.join(DATA, "iso_%s.json" % name), encoding="utf-8") as file:
        return json.load(file)[name]


def run(pressrun, example, out, workers):
    done = subprocess.run([pressrun, "run", "--json", "-j", str(workers), "-C", example, "-o", out],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def files(out, folder=""):
    found = set()
    for directory, _, names in os.walk(os.path.join(out, folder)):
        found.update(os.path.relpath(os.path.join(directory, name), out) for name in names)
    return found


def read(out, path):
    with open(os.path.join(out, path), encoding="utf-8") as file:
        return file.read()


def check_cards(out, languages, countries, subdivisions):
    want = {"languages/%s/%s.txt" % (r["alpha_3"][0], r["alpha_3"]) for r in languages}
    assert files(out, "languages") == want
    want = {"countries/%s.html" % r["alpha_2"].lower() for r in countries}
    assert files(out, "countries") == want
    want = {"subdivisions/%s/%s.md" % (r["code"][:2].lower(), r["code"]) for r in subdivisions}
    want |= {"subdivisions/%s.md" % r["code"][:2].lower() for r in subdivisions}
    assert files(out, "subdivisions") == want
    assert read(out, "languages/e/eng.txt").startswith("English\n=======\n\ncode      eng, short en\n")
    assert "Federal Republic of Germany" in read(out, "countries/de.html")
    assert "&#39;" in read(out, "countries/ci.html"), "values in pages are escaped"


def check_pages(out, languages, countries):
    by_type = collections.Counter(r["type"] for r in languages)
    assert files(out, "types") == {"types/%s.html" % TYPES[t] for t in by_type}
    for letter, count in by_type.items():
        page = read(out, "types/%s.html" % TYPES[letter])
        assert len(re.findall(r"languages/\w/\w+\.txt", page)) == count, TYPES[letter]
    index = read(out, "index.html")
    links = re.findall(r'href="(countries/\w\w\.html)"', index)
    assert links == ["countries/%s.html" % r["alpha_2"].lower() for r in countries], "in the data's order"
    for link in re.findall(r'href="([^":#]+)"', index):
        assert os.path.exists(os.path.join(out, link)), "a link to nowhere: " + link


def check_data(out, languages, currencies, scripts):
    packed = subprocess.run(["zstd", "-dc", os.path.join(out, "languages.jsonl.zst")], capture_output=True, check=True)
    codes = [json.loads(line)["code"] for line in packed.stdout.splitlines()]
    assert codes == [r["alpha_3"] for r in languages if r["scope"] != "S"]
    rows = [json.loads(line) for line in read(out, "currencies.jsonl").splitlines()]
    assert rows == [{"code": r["alpha_3"], "number": int(r["numeric"]), "name": r["name"]} for r in currencies]
    lines = read(out, "scripts.txt").splitlines()
    assert lines == ["%s %s %s" % (r["alpha_4"], r["numeric"], r["name"]) for r in scripts]


def main():
    pressrun, example = map(os.path.abspath, sys.argv[1:3])
    if not os.path.isdir(DATA):
        print("skipped: iso-codes is not installed")
        return 77
    languages, countries, subdivisions = load("639-3"), load("3166-1"), load("3166-2")
    currencies, scripts = load("4217"), load("15924")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        out = os.path.join(scratch, "out")
        report = run(pressrun, example, out, 2)
        check_cards(out, languages, countries, subdivisions)
        check_pages(out, languages, countries)
        check_data(out, languages, currencies, scripts)
        assert report["loaded"] == sum(map(len, (languages, countries, subdivisions, currencies, scripts)))
        assert report["failed"] == 0 and report["unchanged"] == 0
        again = run(pressrun, example, out, 4)
        assert again["digest"] == report["digest"], "the digest depends on the number of workers"
        assert (again["loaded"], again["rendered"], again["written"]) == (0, 0, 0), "nothing has changed"
        assert again["up_to_date"] == report["rendered"], again
        leftover = [path for path in files(out) if path.endswith(".pressrun-tmp")]
        assert not leftover, leftover
    print("%d files as the data say; digest %s" % (report["written"], report["digest"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
