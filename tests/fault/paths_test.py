#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hostile output paths, and an output directory in which somebody has planted links, pipes and directories.

Refused or replaced, but never followed out of the output directory; also when the planting happens during the run,
at any of its system calls. What tests/cli holds of paths (run-path-escape, run-paths-as-directories) is not repeated.
"""
import json
import os
import re
import shutil
import socket
import sys

import fault
import workload

CARD = "{{ id }}\n"
MANIFEST = """
sources: { records: { path: records.jsonl, key: id } }
jobs:
  files: { from: records, template: card.j2, to: "{{ path }}" }
"""

# Paths that are refused, and by what words.
REFUSED = {
    "a/..": "has a part", "a/./b": "has a part", "../../../../../../etc/passwd": "has a part", "...//x": "an empty part",
    "//a": "absolute", "/": "absolute", "a/": "ends in", ".pressrun/x": r"\.pressrun", ".pressrun": r"\.pressrun",
    ".pressrun/a/b": r"\.pressrun", ".pressrun/lock": r"\.pressrun", ".pressrun/journal": r"\.pressrun",
    "a.pressrun-tmp": r"\.pressrun-tmp", ".1-2-3.pressrun-tmp": r"\.pressrun-tmp", "a/b.pressrun-tmp": r"\.pressrun-tmp",
    "d.pressrun-tmp/x": r"\.pressrun-tmp|", "tab\tx": "control", "line\nfeed": "control", "carriage\rreturn": "control",
    "escape\x1b[2Jx": "control", "delete\x7f": "control", "next\x85line": "control|", "x\x00/../../up.txt": "control|NUL",
    "n" * 256: "255", "d/" + "n" * 256 + "/x": "255", "/".join(["p" * 200] * 21): "409[56]", "é" * 128: "255",
}
# Strange, but a name like any other.
ACCEPTED = [
    "...", "..a", "a..", ". .", "-", "--help", "~", "~root/x", "$HOME", "%2e%2e/x", "..\\up.txt", "c:\\x", "C:", "a b ",
    " ", "*", "?", "'", '"', ";rm -rf x", "`id`", "|cat", "\u202etxt.exe", "\u00a0", "\ufeff", "nul", ".pressrunx/y",
    "x/.pressrun-tmpx", ".pressrun-tmp.x", "é" * 127, "n" * 255, "/".join(["p" * 200] * 18), "e/" * 200 + "x",
    "e\u0301", "\u00e9", "😀/😀", "{{ id }}", "{% x %}", "out/out", "case/out",
]


def manifest(rows):
    return {"pressrun.yaml": MANIFEST, "card.j2": CARD,
            "records.jsonl": "".join(json.dumps({"id": i, "path": path}) + "\n" for i, path in enumerate(rows))}


def hostile_paths(runner):
    paths_of_records(runner)
    paths_of_records(runner, command=("render", "card.j2", "-q", "--each", "records.jsonl", "--to", "out/{{ path }}"))


def paths_of_records(runner, **how):
    rows = list(REFUSED) + ACCEPTED
    with fault.case(manifest(rows)) as one:
        done = runner.run(one, **how)
        runner.find("hostile paths", fault.crashed(done), "" if done.returncode == 1 else "exit %d" % done.returncode,
                    *one.strayed(), *("%s is left" % path for path in one.temporaries()))
        failures = {failure["record"]: failure["message"] for failure in one.failures()}
        now = one.outputs()
        for i, path in enumerate(rows):
            message = failures.get(i + 1, "")
            if path not in REFUSED:
                runner.find("%r, a name like any other" % path, message, "" if path in now else "was not written")
            elif not message and REFUSED[path].endswith("|"):
                continue # a matter of taste
            elif not re.search(REFUSED[path], message):
                runner.find("%r" % path, "was to be refused: %r" % message)
            elif any(ord(c) < 32 or 127 <= ord(c) < 160 for c in message):
                runner.find("%r" % path, "shown so that a terminal acts on it: %r" % message)
        runner.find("hostile paths", *("nobody asked for %r" % path for path in set(now) - set(rows)))


def groups_and_options(runner):
    """The same for names of groups, streams in the manifest, and sources and templates that lead elsewhere."""
    for path in ("../up.txt", "/etc/absolute.txt", ".pressrun/lock", "a/../../up.txt", "x.pressrun-tmp"):
        with fault.case({"pressrun.yaml": MANIFEST.replace('to: "{{ path }}"', "to: %s" % json.dumps(path)),
                         "card.j2": CARD, "records.jsonl": '{"id": 1}\n'}) as one:
            done = runner.run(one)
            runner.find("stream %r" % path, fault.crashed(done), "" if done.returncode == 2 else "exit %d" % done.returncode,
                        *one.strayed())
        files = manifest([path])
        files["pressrun.yaml"] = MANIFEST.replace('to: "{{ path }}"', 'to: "{{ group }}", group_by: path')
        with fault.case(files) as one:
            done = runner.run(one)
            runner.find("group %r" % path, fault.crashed(done), "" if done.returncode == 1 else "exit %d" % done.returncode,
                        *one.strayed())
    for template in ("../beside/file.txt", "/etc/passwd", "templates/../../beside/file.txt", "link.j2"):
        with fault.case({"pressrun.yaml": MANIFEST.replace('to: "{{ path }}"', "to: all.txt"),
                         "card.j2": "{%% include %s %%}" % json.dumps(template), "records.jsonl": '{"id": 1}\n'}) as one:
            (one.path / "link.j2").symlink_to("../beside/file.txt")
            one.seal()
            done = runner.run(one)
            read = [name for name, data in one.outputs().items() if b"business" in data or b"root" in data]
            runner.find("include %r" % template, fault.crashed(done), "" if done.returncode else "exit 0",
                        *("was read, into %s" % name for name in read), *one.strayed())


# What somebody planted
# -----------------------------------------------------------------------------------------------------


def link(target):
    return lambda path: os.symlink(target, path)


def link_to_beside(path):
    root = next(parent for parent in path.parents if (parent / "beside").is_dir())
    os.symlink(root / "beside", path)


def plant_socket(path):
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(path.parent) # the path of a socket must be short
        s.bind(path.name)
        os.chdir(here)


# (where, what, whether the outputs 1, 2 and d/3 are written nevertheless)
PLANTED = [
    ("1.txt", link("../../beside/file.txt"), "123"), ("1.txt", link("/etc/hostname"), "123"),
    ("1.txt", link("nowhere"), "123"), ("1.txt", link("1.txt"), "123"), ("1.txt", link("d"), "123"),
    ("1.txt", link("/dev/full"), "123"), ("1.txt", os.mkfifo, "123"), ("1.txt", plant_socket, "123"),
    ("1.txt", os.mkdir, "23"), ("d", link("../../beside"), "12"), ("d", link_to_beside, "12"), ("d", link("nowhere"), "12"),
    ("d", link("d"), "12"), ("d", link("e"), "12"), ("d", link("."), "123"), ("d", link(".."), "12"),
    ("d", os.mkfifo, "12"), ("d", plant_socket, "12"), ("d", link("1.txt"), "12"), ("d", link("/proc/self/cwd"), "12"),
    (".pressrun", link("../../beside"), None), (".pressrun", link("/"), None), (".pressrun", link("nowhere"), None),
    (".pressrun", os.mkfifo, None), (".pressrun/errors.jsonl", link("../../../beside/file.txt"), None),
    (".pressrun/errors.jsonl", os.mkdir, None), (".pressrun/errors.jsonl", os.mkfifo, None),
    (".pressrun/lock", link("../../../beside/file.txt"), None), (".pressrun/lock", os.mkdir, None),
    (".pressrun/lock", os.mkfifo, None), (".pressrun/lock", link("lock"), None),
    (".pressrun/lock", link("../../../beside/new.txt"), None),
]
# The same for a database. SQLite opens by path, and makes a journal beside the file.
PLANTED_FOR_ROWS = [
    ("d/rows.sqlite", link("../../../beside/file.txt")), ("d/rows.sqlite", link("../../../beside/new.db")),
    ("d/rows.sqlite", os.mkdir), ("d/rows.sqlite", os.mkfifo), ("d/rows.sqlite", link("rows.sqlite")),
    ("d/rows.sqlite", plant_socket), ("d", link("../../beside")), ("d", link_to_beside), ("d", os.mkfifo),
    ("d/rows.sqlite-journal", link("../../../beside/file.txt")), ("d/rows.sqlite-journal", os.mkdir),
    ("d/rows.sqlite-journal", link("../../../beside/new.journal")), ("d/rows.sqlite-journal", os.mkfifo),
    ("d/rows.sqlite-wal", link("../../../beside/file.txt")), ("d/rows.sqlite-wal", link("../../../beside/new.wal")),
    ("d/rows.sqlite-shm", link("../../../beside/new.shm")),
]
EXPECTED = {"1": "1.txt", "2": "2.txt", "3": "d/3.txt"}


def planted(runner):
    """Before the run. The record 4 fails, so that errors.jsonl is wanted too."""
    files = manifest(["1.txt", "2.txt", "d/3.txt", "../4.txt"])
    for where, plant, written in PLANTED:
        with fault.case(files) as one:
            path = one.out / where
            path.parent.mkdir(parents=True)
            plant(path)
            what = "%s planted as %s" % (where, fault.tree(one.out)[where])
            done = runner.run(one, timeout=20)
            runner.find(what, fault.crashed(done), fault.unexplained(done), "exit 0" if done.returncode == 0 else "",
                        *one.strayed())
            wanted = "123" if written is None and done.returncode == 1 else written or ""
            for key in wanted:
                there = one.out / EXPECTED[key]
                ok = there.is_file() and not there.is_symlink() and key == str(int(there.read_text()) + 1)
                runner.find(what, "" if ok else "%s was not written\n%s" % (there.name, done.stderr.decode()))


def planted_for_rows(runner):
    """What is in the way of a database may be an error or not, but nothing goes astray and nothing hangs."""
    files = {"pressrun.yaml": workload.ROWS, "row.j2": '{"id": {{ id }}}', "records.jsonl": workload.records("new", 3)}
    for where, plant in PLANTED_FOR_ROWS:
        with fault.case(files) as one:
            (one.out / where).parent.mkdir(parents=True)
            plant(one.out / where)
            what = "%s planted as %s" % (where, fault.tree(one.out)[where])
            done = runner.run(one, timeout=20)
            runner.find(what, fault.crashed(done), fault.unexplained(done), *one.strayed())


def planted_meanwhile(runner):
    """The directory d becomes a link that leads out, just before the n-th call, for every n."""
    files = manifest(["d/%d.txt" % i for i in range(12)] + ["d/e/%d.txt" % i for i in range(4)])
    files["pressrun.yaml"] += "  rows: { from: records, template: card.j2, to: d/rows.sqlite }\n"
    swaps = {
        "d": "mv out/d out/moved; ln -s ../../beside out/d",
        "all": "mv out ../beside/moved; ln -s ../beside out; mkdir -p ../beside/d",
        ".pressrun": "mv out/.pressrun out/moved; ln -s ../../beside out/.pressrun",
    }
    for name, swap in swaps.items():
        with fault.case(files) as one:
            done, report = runner.at(one, None)
            first = one.outputs()
            assert done.returncode == 0 and len(first) == 17, done.stderr.decode()
            for n in fault.sample(report["calls"], 12):
                one.restore(first)
                for path in [path for path in first if path.endswith(".txt")][::2]:
                    (one.out / path).write_text("old\n")
                (one.out / ".pressrun").mkdir()
                done, hit = runner.at(one, n, "--run", "cd '%s' && { %s; } 2>/dev/null" % (one.path, swap))
                what = "%s swapped for a link at call %d (%s)" % (name, n, hit["hit"])
                beside = {path: content for path, content in fault.tree(one.root / "beside").items()
                          if not path.startswith("moved")}
                now = set(beside) - {"d", "file.txt", "out", "out/file.txt"}
                # A whole output directory that is moved away has taken its root along.
                runner.find(what, fault.crashed(done), *("beside/%s was written" % path for path in sorted(now)
                                                         if name != "all" or not path.startswith(("d/", ".pressrun"))))
                clean_up(one)


def clean_up(one):
    if one.out.is_symlink():
        one.out.unlink()
    shutil.rmtree(one.root / "beside")
    one.write("../beside/file.txt", "nobody's business\n")
    one.write("../beside/out/file.txt", "nobody's business\n")


def main():
    runner = fault.Runner(__doc__)
    parts = [hostile_paths, groups_and_options, planted, planted_for_rows]
    if runner.can_trace():
        parts.append(planted_meanwhile)
    else:
        runner.notes.append("skipped: what is planted during a run; tracing is not possible here")
    for part in parts:
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
