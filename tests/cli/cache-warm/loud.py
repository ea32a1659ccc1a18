#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Upper case, with a mark behind it; notes each call. A bad text is refused."""
import sys

text = sys.stdin.read()
with open("calls", "a") as f:
    f.write("call\n")
if "bad" in text.split():
    sys.exit("bad text")
print(text.upper() + open("mark.txt").read())
