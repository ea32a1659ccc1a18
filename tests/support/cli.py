#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cli.py [--bless] [--pressrun FILE] [CASE...]: types every session's commands and compares what is printed.

A case is a folder under tests/cli: a file `session`, and whatever the commands need; what several cases need is in
tests/support/sessions, with links to it. It is copied into an empty
directory and the commands run there, by sh, with pressrun on the PATH. A session reads like a terminal:

    # A line that begins with "# " is a comment.
    $ pressrun check
    standard output comes first
    ! and then standard error, each line after "! "
    [exit 2]

Commands keep no history unless they ask for it, since its files have other names each time; cases named cache-...
alone have a cache. No [exit N] means 0. A line of output that looks like one of these marks, or is the last one and empty, is written
with a backslash before it; `[no newline]` follows output whose last line does not end. What changes from run to run
is replaced before it is compared: see CHANGING. `--bless` writes the session anew, to be read before it is committed.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import support

ROOT = os.path.join(support.ROOT, "tests", "cli")
MARKS = ("$ ", "! ", "# ", "[exit ", "[no newline]", "\\")

# What changes from run to run, and what stands for it in a session.
CHANGING = [
    (r"\b[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9]+-[0-9a-f]{4}", "SESSION"),               # ids
    (r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\b", "MOMENT"),
    (r"\b[0-9][0-9.,]* (ns|us|µs|ms|s|min)(?![\w/])", "N s"),          # times
    (r"\b[0-9][0-9.,]* [kKMG]?B/s\b", "N MB/s"),                         # rates
    (r"\b[0-9][0-9.,]* (records|outputs)/s\b", r"N \1/s"),
    (r"(  memory    )[0-9][0-9.,]* [kKMG]?B\b", r"\1N MB"),
    (r"[0-9.,]+[kM]? opcodes?; [0-9.,]+[kM]? allocations?, [0-9.,]+ [kKMG]?B", "N opcodes; N allocations, N B"), # of compilers and filters
    (r'("stage_seconds": )\{[^}]*\}', r"\1N"),                           # in --json
    (r'("(?:session|seconds|records_per_second|opcodes|allocations|allocated_bytes|peak_rss_bytes|batch_p50|idle_seconds|scheduling_seconds)": )("[^"]*"|[^,}\n]*)', r"\1N"),
]


def normalise(text, directory):
    text = text.replace(directory, "DIR")
    for pattern, replacement in CHANGING:
        text = re.sub(pattern, replacement, text)
    return text


def parse(text):
    """[(lines before the command, command, lines expected)], and the lines after the last."""
    steps, before = [], []
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    i = 0
    while i < len(lines):
        if not lines[i].startswith("$ "):
            before.append(lines[i])
            i += 1
            continue
        command = [lines[i][2:]]
        while command[-1].endswith("\\") and i + 1 < len(lines):
            i += 1
            command.append(lines[i])
        i += 1
        start = i
        while i < len(lines) and not lines[i].startswith(("$ ", "# ")):
            i += 1
        end = i
        while end > start and not lines[end - 1]:
            end -= 1
        steps.append((before, "\n".join(command), lines[start:end]))
        before = lines[end:i]
    return steps, before


def written(output, mark):
    """Output as a session has it."""
    if not output:
        return []
    lines = output.split("\n")
    complete = not lines[-1]
    if complete:
        lines.pop()
    if mark:
        result = [(mark + " " + line).rstrip() if not line else mark + " " + line for line in lines]
    else:
        result = ["\\" + line if line.startswith(MARKS) else line for line in lines]
        if not result[-1]:
            result[-1] = "\\"
    if not complete:
        result.append("[no newline]")
    return result


def play(pressrun, folder):
    """The session as it should be by what the commands print now."""
    with open(os.path.join(folder, "session"), encoding="utf-8") as f:
        steps, after = parse(f.read())
    with tempfile.TemporaryDirectory(prefix="pressrun-cli-") as scratch:
        directory = os.path.join(os.path.realpath(scratch), "case")
        shutil.copytree(folder, directory)  # what several cases need is linked to in them
        os.remove(os.path.join(directory, "session"))
        build = os.path.dirname(os.path.dirname(pressrun))
        path = [os.path.dirname(pressrun), os.path.join(build, "tests", "unit"), # programs of tests/support
                os.path.dirname(sys.executable), os.environ["PATH"]]
        environment = support.environment(PATH=":".join(path), PRESSRUN_JOBS="2", PRESSRUN_HISTORY="none")
        if os.path.basename(folder).startswith("cache-"):
            del environment["PRESSRUN_CACHE"]
        out = []
        for before, command, _ in steps:
            done = subprocess.run(["sh", "-c", command], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=support.TIMEOUT)
            out += before + ["$ " + command]
            for data, mark in ((done.stdout, ""), (done.stderr, "!")):
                out += written(normalise(data.decode("utf-8", "backslashreplace"), directory), mark)
            if done.returncode:
                out.append("[exit %d]" % done.returncode)
    return "\n".join(out + after) + "\n"


def check(pressrun, folder):
    with open(os.path.join(folder, "session"), encoding="utf-8") as f:
        want = f.read()
    if "\n$ " not in "\n" + want:
        return "the session has no command\n"
    return support.difference("session", want.encode(), play(pressrun, folder).encode())


def bless(pressrun, folder):
    text = play(pressrun, folder)
    with open(os.path.join(folder, "session"), "w", encoding="utf-8") as f:
        f.write(text)
    return ""


if __name__ == "__main__":
    sys.exit(support.main(__doc__, ROOT, check, bless))
