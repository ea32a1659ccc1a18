#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""manual.py: the examples of the manual are what pressrun prints.

Blocks of docs/*.md that begin with "$ pressrun" are held against the sessions of tests/cli: each command, with what it
prints on standard output, must stand in a session just so. What changes from run to run is written as sessions have it.
"""
import glob
import os
import re
import sys

import cli
import support


def commands(lines):
    """{command: what it prints}, without what is on standard error and exit codes."""
    found, command = {}, None
    for line in lines:
        if line.startswith("$ "):
            command = line
            found[command] = []
        elif command and not line.startswith(("! ", "# ", "[exit ")):
            found[command].append(line)
    return found


def main():
    sessions = {}
    for path in glob.glob(os.path.join(cli.ROOT, "*", "session")):
        with open(path, encoding="utf-8") as file:
            for command, printed in commands(file.read().splitlines()).items():
                sessions.setdefault(command, []).append(printed)
    wrong, seen = 0, 0
    for path in sorted(glob.glob(os.path.join(support.ROOT, "docs", "*.md"))):
        with open(path, encoding="utf-8") as file:
            blocks = re.findall(r"^```\n(\$ pressrun .*?)^```$", file.read(), re.M | re.S)
        for block in blocks:
            for command, printed in commands(block.splitlines()).items():
                seen += 1
                if printed not in sessions.get(command, []):
                    wrong += 1
                    print("%s: no session of tests/cli has this, printing just that:\n  %s" % (path, command))
    print("%d examples, %d wrong" % (seen, wrong))
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
