#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lint.py [--root DIR] [--objects DIR]: holds a tree to the rules in rules.py.

Looks at includes (layers, cycles, written from the root), file names (unique), reserved words, licence lines,
machine paths, the opening comments of headers and lengths; with --objects, by `objdump`, at the object files'
mutable globals. Prints FILE:LINE: text for each fault and a count; exits 1 where there is a fault. Warnings are
printed and do not fail.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

import rules

CODE = (".c", ".h", ".def")
TEXT = CODE + (".py", ".txt", ".md", ".yaml", ".cmake", ".j2", ".json", "")
SKIPPED = {".git", "build", "out", "__pycache__"}
LICENSED = (".c", ".h", ".def", ".py")
CASES = ("tests/cli/", "tests/golden/", "tests/manifest/", "tests/fuzz/corpus/") # data, whatever it looks like


def files_of(root):
    """Paths relative to the root: what git knows or would add, or everything where there is no git."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if listed.returncode == 0 and os.path.exists(os.path.join(root, ".git")):
        names = [n for n in listed.stdout.decode().split("\0") if n]
        return sorted(n for n in names if os.path.isfile(os.path.join(root, n)))
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def without_comments(text):
    """The code alone, line by line as it was: comments and strings become blanks."""
    def blank(match):
        kept = match.group(0)
        if kept[0] in "\"'":
            return kept[0] + re.sub(r"[^\n]", " ", kept[1:-1]) + kept[-1]
        return re.sub(r"[^\n]", " ", kept)
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    lines = []
    for line in re.sub(r"/\*.*?\*/", blank, text, flags=re.S).split("\n"):
        lines.append(line if re.match(r"\s*#\s*include", line) else re.sub(pattern, blank, line))
    return lines


def room_of(path):
    parts = path.split("/")
    for name in ("/".join(parts[:2]), parts[0]):
        if name in rules.ROOMS:
            return name
    return None


class Lint:
    def __init__(self, root):
        self.root = root
        self.faults = []
        self.warnings = []
        self.files = files_of(root)
        self.code = {}
        for path in self.files:
            if path.endswith(CODE):
                with open(os.path.join(root, path), encoding="utf-8") as f:
                    self.code[path] = f.read()

    def fault(self, path, line, text):
        self.faults.append((path, line, text))

    def includes(self, path):
        """[(line, target)] of `#include "..."`."""
        for number, line in enumerate(without_comments(self.code[path]), 1):
            match = re.match(r'\s*#\s*include\s*"([^"]*)"', line)
            if match:
                yield number, match.group(1)

    def check_layers(self):
        for path in self.code:
            room = room_of(path)
            for line, target in self.includes(path):
                if target not in self.code:
                    self.fault(path, line, 'include "%s": no such file; includes are written from the root' % target)
                    continue
                if target.endswith(".c"):
                    self.fault(path, line, 'include "%s": a .c file is never included' % target)
                other = room_of(target)
                if path.startswith("tests/"):
                    continue
                if target.startswith("tests/"):
                    self.fault(path, line, 'include "%s": only tests include tests' % target)
                elif room and other and other != room and other not in rules.ROOMS[room]:
                    self.fault(path, line, 'include "%s": %s may not know %s' % (target, room, other))

    def check_cycles(self):
        graph = {path: [t for _, t in self.includes(path) if t in self.code] for path in self.code}
        done, reported = set(), set()

        def visit(path, trail):
            if path in trail:
                cycle = trail[trail.index(path):]
                if frozenset(cycle) not in reported:
                    reported.add(frozenset(cycle))
                    self.fault(path, 1, "include cycle: " + " -> ".join(cycle + [path]))
                return
            if path in done:
                return
            for target in graph[path]:
                visit(target, trail + [path])
            done.add(path)

        for path in sorted(graph):
            visit(path, [])

    def check_names(self):
        places = collections.defaultdict(list)
        for path in self.code:
            places[os.path.basename(path)].append(path)
        for paths in places.values():
            for path in paths[1:]:
                self.fault(path, 1, "there is a %s already: file names are unique" % paths[0])

    def check_rooms(self):
        for path in self.code:
            if not path.startswith(("tests/", "include/")) and room_of(path) is None:
                self.fault(path, 1, "this folder is in no layer: name it in tests/lint/rules.py")

    def check_reserved(self):
        for path, text in self.code.items():
            written = text.split("\n")
            for number, line in enumerate(without_comments(text), 1):
                for _, pattern, places, why in rules.RESERVED:
                    if not path.startswith(tuple(places)) and re.search(pattern, line):
                        self.fault(path, number, "%s: %s" % (why, written[number - 1].strip()))

    def check_texts(self):
        for path in self.files:
            extension = os.path.splitext(path)[1]
            if extension not in TEXT:
                continue
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                lines = f.read().split("\n")
            licensed = any("SPDX-License-Identifier: MIT" in line for line in lines[:2])
            if path.endswith(LICENSED) and not path.startswith(CASES) and not licensed:
                self.fault(path, 1, "no SPDX line at the top")
            if path.startswith("tests/lint/"):
                continue # its rules name what it looks for
            for number, line in enumerate(lines, 1):
                if re.search(rules.MACHINE_PATH, line):
                    self.fault(path, number, "a path of somebody's machine: " + line.strip()[:80])

    def check_essays(self):
        """A header says what it is for before it includes or declares anything."""
        for path, text in self.code.items():
            guard = r"(?:// SPDX[^\n]*\n)?(?:#ifndef \w+\n#define \w+\n)?\s*"
            if path.endswith(".h") and not re.match(guard + r"(?:/\*|//(?! SPDX))", text):
                self.fault(path, 1, "a header opens with a comment: what it does, leaves out, owns")

    def check_lengths(self):
        for path, text in self.code.items():
            n = text.count("\n")
            if path.endswith(".h") and n > rules.HEADER_LINES:
                self.warnings.append((path, n, "a header of %d lines: would two be clearer?" % n))
            if path.endswith(".c") and n > rules.SOURCE_LINES and not path.startswith("tests/"):
                self.warnings.append((path, n, "a source of %d lines: would two be clearer?" % n))

    def check_globals(self, objects):
        """Symbols in .data and .bss are mutable; const tables with addresses in them are in .data.rel.ro."""
        seen = 0
        for folder, _, names in os.walk(objects):
            for name in sorted(names):
                path = os.path.join(folder, name)
                shown = os.path.relpath(path, objects)
                if not name.endswith(".o") or shown.startswith("tests" + os.sep):
                    continue
                seen += 1
                table = subprocess.run(["objdump", "-t", path], stdout=subprocess.PIPE, check=True).stdout.decode()
                for row in table.splitlines():
                    # VALUE FLAGS SECTION SIZE NAME
                    match = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)\s+(\S.*)$", row)
                    if match and match.group(1)[-1] in " O" and int(match.group(3), 16) and re.match(
                            r"\.(t?data|t?bss)(?!\.rel\.ro)|\*COM\*", match.group(2)):
                        self.fault(shown, 1, "a mutable global: %s in %s" % (match.group(4), match.group(2)))
        if not seen:
            self.fault(objects, 1, "no object files: nothing was checked for mutable globals")

    def check(self, objects=None):
        self.check_layers()
        self.check_cycles()
        self.check_names()
        self.check_rooms()
        self.check_reserved()
        self.check_texts()
        self.check_essays()
        self.check_lengths()
        if objects:
            self.check_globals(objects)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    parser.add_argument("--objects")
    arguments = parser.parse_args()
    lint = Lint(os.path.normpath(arguments.root))
    lint.check(arguments.objects)
    for path, line, text in sorted(lint.warnings):
        print("%s:%d: warning: %s" % (path, line, text))
    for path, line, text in sorted(lint.faults):
        print("%s:%d: error: %s" % (path, line, text))
    print("%d files looked at, %d faults" % (len(lint.files), len(lint.faults)))
    return 1 if lint.faults else 0


if __name__ == "__main__":
    sys.exit(main())
