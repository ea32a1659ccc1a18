#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes of every entry one of a later version."""
import os, sys

for name in os.listdir(sys.argv[1]):
    if name.startswith("segment-"):
        path = os.path.join(sys.argv[1], name)
        with open(path, "rb") as f:
            text = f.read()
        with open(path, "wb") as f:
            f.write(text.replace(b"PRE\x02", b"PRE\x63"))
