#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_licences.py PRESSRUN EXAMPLE: runs the licences example, whose outputs go through programs outside, and holds them
against Debian's texts.

Expected is what the same words give without these programs: in narrow lines, counted, and as JSON of the same layout.
Exit 77 where the texts or one of the programs are not installed.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

DATA = "/usr/share/common-licenses"
WIDTH, LIKED = 60, 12


def run(pressrun, example, out, workers):
    done = subprocess.run([pressrun, "run", "--json", "-j", str(workers), "-C", example, "-o", out],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def check_text(name, text, made):
    assert made.split() == [name] + text.split(), name + ": other words"
    wide = [line for line in made.splitlines() if len(line) > WIDTH and len(line.split()) > 1]
    assert not wide, (name, wide)


def check_words(name, text, common, made):
    words = re.findall("[a-z]{4,}", re.sub("[^a-zA-Z]+", " ", text).lower())
    counts = collections.Counter(word for word in words if word not in common)
    expected = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:LIKED]
    assert [tuple(line.split()) for line in made.splitlines()] == [(str(n), word) for word, n in expected], name


def main():
    pressrun, example = map(os.path.abspath, sys.argv[1:3])
    missing = [tool for tool in ("fmt", "python3", "sort") if not shutil.which(tool)]
    if missing or not os.path.isdir(DATA):
        print("skipped: %s not installed" % ", ".join(missing or [DATA]))
        return 77
    names = sorted(os.listdir(DATA))
    common = set(read(example, "tools/everybody.txt").split())
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        out = os.path.join(scratch, "out")
        report = run(pressrun, example, out, 2)
        assert sorted(os.listdir(os.path.join(out, "texts"))) == sorted(name + ".txt" for name in names)
        for name in names:
            check_text(name, read(DATA, name), read(out, "texts", name + ".txt"))
            check_words(name, read(DATA, name), common, read(out, "words", name + ".txt"))
        index = read(out, "index.json")
        expected = [{"name": name, "bytes": os.path.getsize(os.path.join(DATA, name)), "text": "texts/%s.txt" % name}
                    for name in names]
        assert sorted(json.loads(index), key=lambda row: row["name"]) == expected
        assert index == json.dumps(json.loads(index), indent=4, ensure_ascii=False) + "\n"
        # Some names are of the same text, which need not be filtered twice.
        texts = {read(DATA, name) for name in names}
        assert report["rendered"] == 2 * len(names) + 1 and report["failed"] == 0
        assert 2 * len(texts) + 1 <= report["filtered"] <= report["rendered"]
        again = run(pressrun, example, out, 4)
        assert again["digest"] == report["digest"], "the digest depends on the number of workers"
    print("%d licences as Debian's; digest %s" % (len(names), report["digest"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
