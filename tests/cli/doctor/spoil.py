# SPDX-License-Identifier: MIT
"""spoil.py FILE AT: writes over a stretch of a file."""
import sys

with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    f.write(b"\xaa" * 600)
