#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_reference.py PRESSRUN EXAMPLE: runs an example and compares every output, byte for byte, with what Python's
Jinja2 makes of the same manifest (tests/support/reference.py). Exit code 77 where a source is not installed."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import reference  # noqa: E402
import support  # noqa: E402


def outputs(folder):
    """{path: uncompressed bytes} of what is there."""
    found = {}
    for directory, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".pressrun"]
        for name in names:
            path = os.path.join(directory, name)
            if name.endswith(".zst"):
                data = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
            else:
                with open(path, "rb") as f:
                    data = f.read()
            found[os.path.relpath(path, folder)] = data
    return found


def main():
    pressrun, example = map(os.path.abspath, sys.argv[1:3])
    try:
        want = reference.outputs(os.path.join(example, "pressrun.yaml"))
    except FileNotFoundError as error:
        print("skipped: %s" % error)
        return 77
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        subprocess.run([pressrun, "run", "-q", "-C", example, "-o", scratch], check=True)
        got = outputs(scratch)
    wrong = 0
    for path in sorted(set(want) | set(got)):
        difference = ("missing" if path not in got else "not in the manifest" if path not in want else
                      support.difference(path, want[path], got[path]))
        if difference:
            wrong += 1
            if wrong <= 5:
                print("FAILED %s\n%s" % (path, difference))
    print("%d outputs compared, %d differ" % (len(want), wrong))
    return 1 if wrong or not want else 0


if __name__ == "__main__":
    sys.exit(main())
