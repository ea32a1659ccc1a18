# SPDX-License-Identifier: MIT
"""figures.py ARGUMENT...: a run, and what it had to do: outputs kept, rendered, written, found unchanged, removed."""
import json
import subprocess
import sys

run = subprocess.run(["pressrun", "run", "--json", *sys.argv[1:]], stdout=subprocess.PIPE, check=False)
report = json.loads(run.stdout.splitlines()[-1])
keys = ("loaded", "up_to_date", "rendered", "written", "unchanged", "pruned", "left_over", "failed")
print(*("%s %d" % (key, report[key]) for key in keys if report[key]), report["digest"][:8])
