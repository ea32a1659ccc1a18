#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every source is laid out as .clang-format says; `make format` does it. Exit code 77 where there is no clang-format."""
import os
import shutil
import subprocess
import sys

from lint import files_of

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

if not shutil.which("clang-format"):
    print("skipped: there is no clang-format here (packages.txt names it)")
    sys.exit(77)
sources = [path for path in files_of(ROOT) if path.endswith((".c", ".h"))]
assert sources, "no sources found"
sys.exit(subprocess.run(["clang-format", "--dry-run", "-Werror", "-ferror-limit=5"] + sources, cwd=ROOT).returncode)
