#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_tree.py CMAKE BUILD: what `cmake --install` puts where, and that groff has nothing to say of the manual."""
import os
import shutil
import subprocess
import sys
import tempfile

PROGRAM = "pressrun"
PAGES = {"man1/pressrun.1": ["pressrun \\- ", ".SS pressrun render", "\\-\\-undefined"],
         "man7/pressrun-templates.7": ["pressrun\\-templates \\- ", ".B prompt", "truncate(length=255", "divisibleby",
                                       "range("]}


def find(prefix, name):
    found = [os.path.join(folder, os.path.basename(name)) for folder, _, files in os.walk(prefix)
             if os.path.basename(name) in files and folder.endswith(os.path.dirname(name))]
    return found[0] if found else None


def check_page(path, texts):
    with open(path, encoding="utf-8") as f:
        page = f.read()
    wrong = ["%s lacks %r" % (path, text) for text in texts if text not in page]
    if not shutil.which("groff"):
        print("groff is not there: the form of %s is not checked" % os.path.basename(path))
        return wrong
    said = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", path], capture_output=True, text=True).stderr
    return wrong + ([said] if said else [])


def main():
    cmake, build = sys.argv[1:3]
    with tempfile.TemporaryDirectory(prefix="pressrun-tree-") as prefix:
        done = subprocess.run([cmake, "--install", build, "--prefix", prefix], capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stdout + done.stderr)
            return 1
        wrong = []
        program = find(prefix, PROGRAM)
        if not program or subprocess.run([program, "--version"], capture_output=True).returncode != 0:
            wrong.append("no program that runs was installed")
        for name, texts in PAGES.items():
            path = find(prefix, name)
            wrong += check_page(path, texts) if path else ["%s was not installed" % name]
        print("\n".join(wrong))
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
