#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import os, sys
text = sys.stdin.read()
if "is 2" in text:
    print("cannot read this:", file=sys.stderr)
    print("  " + text.strip(), file=sys.stderr)
    sys.stderr.flush()
    os.write(2, b"bytes \xff\x1b[31m\n")
    sys.exit(3)
sys.stdout.write(text.upper())
