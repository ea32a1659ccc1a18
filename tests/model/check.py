#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tries every order in the model of the executor, and that the model would tell: with a line of the protocol left out or
changed, an order that goes wrong must be found.

    check.py [--all]        --all: also with three workers, which takes minutes
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

MODEL = pathlib.Path(__file__).with_name("executor.pml")
SIZES = [{"CREDITS": 1}, {"CREDITS": 2}, {"CREDITS": 3, "CHANGES": 1}]
LARGE = [{"WORKERS": 3, "BATCHES": 2, "CHANGES": 1}, {"WORKERS": 3, "CREDITS": 1, "CHANGES": 0}, {"CHANGES": 4}]
# What is taken from the protocol, and what stands there instead.
FAULTS = [
    ("who finds no credit does not say so", "wanted = true;", "skip;"),
    ("who finds no credit does not look again",
     ":: left > 0 -> left--; got = true\n            :: else\n", ":: false\n            :: else\n"),
    ("a wake that finds the node running is forgotten", "arm[node] = WOKEN; won = true", "won = true"),
    ("nobody is rung for when something is put", "ring_somebody()\n    }", "skip\n    }"),
    ("the last batch wakes nobody", ":: got -> got = false; wake(EMIT)", ":: got -> got = false"),
    ("an early batch is forgotten", "early[n] = true; got = false", "got = false"),
]


def orders_go_wrong(text, sizes, folder):
    """Whether the checker finds an order that goes wrong; also how many states it saw."""
    pathlib.Path(folder, "model.pml").write_text(text, encoding="utf-8")
    defines = ["-D%s=%d" % size for size in sizes.items()]
    subprocess.run(["spin", "-a", *defines, "model.pml"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"], cwd=folder, check=True)
    done = subprocess.run(["./pan", "-m200000"], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if "max search depth too small" in done.stdout or "errors:" not in done.stdout:
        sys.exit("the search did not come to its end:\n" + done.stdout)
    states = next(line.split()[0] for line in done.stdout.splitlines() if "states, stored" in line)
    return "errors: 0" not in done.stdout, states


def main():
    text = MODEL.read_text(encoding="utf-8")
    if not shutil.which("spin"):
        print("skipped: spin is not installed")
        return 77
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for sizes in SIZES + (LARGE if "--all" in sys.argv else []):
            found, states = orders_go_wrong(text, sizes, folder)
            wrong += found
            print("%s: %s states, %s" % (sizes, states, "AN ORDER GOES WRONG" if found else "every order ends well"))
        for what, there, instead in FAULTS:
            assert text.count(there) == 1, what
            found, _ = orders_go_wrong(text.replace(there, instead), {"CREDITS": 1}, folder)
            if not found:
                found, _ = orders_go_wrong(text.replace(there, instead), {"CREDITS": 2}, folder)
            wrong += not found
            print("%s: %s" % (what, "found" if found else "NOT FOUND"))
    return 1 if wrong else 0


sys.exit(main())
