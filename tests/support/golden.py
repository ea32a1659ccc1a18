#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""golden.py [--bless] [--reference] [--pressrun FILE] [CASE...]: renders every case and compares.

A case is a folder under tests/golden:

    main.j2          the template, or main.mustache, main.prompt; further templates beside it
    data.json        what it sees; without it, an empty object
    options          flags for `pressrun render`, in one line; may be missing
    expected         standard output, byte for byte; the exit code must then be 0
    expected-error   or: standard error, byte for byte, and a line "[exit N]"; standard output must then be empty

`--bless` writes what came out into expected or expected-error, to be read before it is committed.
`--reference` renders with Python's Jinja2 instead, so that `expected` is its word and not only ours. Left out there:
errors, whose wording is ours, and `--undefined keep`.
"""
import os
import shlex
import subprocess
import sys

import support

ROOT = os.path.join(support.ROOT, "tests", "golden")
NOW = "1700000000"  # what strftime_now() shows: 2023-11-14, 22:13:20


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return None


def main_of(folder):
    """The template of a case: its extension says the language."""
    return next(name for name in sorted(os.listdir(folder)) if name.startswith("main."))


def is_ours(folder):
    """Whether the reference has no say in a case."""
    if main_of(folder) != "main.j2" or any(name.endswith(".mustache") for name in os.listdir(folder)):
        return True
    options = read(os.path.join(folder, "options")) or b""
    return b"keep" in options.replace(b"--keep-trailing-newline", b"") or \
        os.path.exists(os.path.join(folder, "expected-error"))


def render(pressrun, folder):
    command = [pressrun, "render", main_of(folder), "--search", "."]
    if os.path.exists(os.path.join(folder, "data.json")):
        command += ["--data", "data.json"]
    command += shlex.split((read(os.path.join(folder, "options")) or b"").decode())
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=support.TIMEOUT, env=support.environment(SOURCE_DATE_EPOCH=NOW))


def as_error(got):
    """What expected-error holds for a command that failed."""
    return got.stderr + b"[exit %d]\n" % got.returncode


def check(pressrun, folder):
    """What is wrong with a case, as text; empty: nothing."""
    want = read(os.path.join(folder, "expected"))
    want_error = read(os.path.join(folder, "expected-error"))
    if (want is None) == (want_error is None):
        return "there must be one of expected and expected-error\n"
    got = render(pressrun, folder)
    if want_error is None and got.returncode == 0:
        return support.difference("standard output", want, got.stdout) + \
            support.difference("standard error", b"", got.stderr)
    return support.difference("standard output", want or b"", got.stdout) + \
        support.difference("standard error", want_error or b"", as_error(got))


def bless(pressrun, folder):
    got = render(pressrun, folder)
    if got.returncode not in (0, 1, 2):
        return "exit code %d: not blessed\n%s" % (got.returncode, got.stderr.decode(errors="replace"))
    for name, data, keep in (("expected", got.stdout, got.returncode == 0),
                             ("expected-error", as_error(got), got.returncode != 0)):
        path = os.path.join(folder, name)
        if keep:
            with open(path, "wb") as f:
                f.write(data)
        elif os.path.exists(path):
            os.remove(path)
    return ""


if __name__ == "__main__":
    sys.exit(support.main(__doc__, ROOT, check, bless, is_ours))
