#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Flips a bit in the first entry of every segment."""
import os, sys

for name in os.listdir(sys.argv[1]):
    if name.startswith("segment-"):
        with open(os.path.join(sys.argv[1], name), "r+b") as f:
            f.seek(66)
            byte = f.read(1)[0]
            f.seek(66)
            f.write(bytes([byte ^ 4]))
