# SPDX-License-Identifier: MIT
"""Times and sizes in what the doctor says, which differ from machine to machine, as words."""
import re
import sys

for line in sys.stdin:
    line = re.sub(r"[0-9.,]+ (us|ms|s|min)\b", "TIME", line)
    sys.stdout.write(re.sub(r"[0-9.,]+ [kM]?B\b", "SIZE", line))
