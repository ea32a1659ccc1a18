# SPDX-License-Identifier: MIT
"""joins.py [ARGUMENT...]: what a run says of its joins."""
import json
import subprocess
import sys

run = subprocess.run(["pressrun", "run", "--json", *sys.argv[1:]], capture_output=True, text=True)
report = json.loads(run.stdout.splitlines()[-1])
print("exit", run.returncode, "loaded", report["loaded"], "rendered", report["rendered"], "failed", report["failed"],
      "fields", report["fields_parsed"], report["fields_skipped"])
for join in report.get("joins", []):
    spilled = "spilled" if join.pop("spilled_bytes") else "in memory"
    print(f"{join.pop('source')}.{join.pop('join')}:", spilled, *(f"{key} {value}" for key, value in join.items() if value))
