#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""summary.py [OPTION...]: runs, and tells what of the sources came from the cache."""
import json, subprocess, sys

run = subprocess.run(["pressrun", "run", "-j1", "--json", *sys.argv[1:]], capture_output=True, text=True)
print(run.stderr, end="")
cache = json.loads(run.stdout)["cache"].get("source")
print("exit %d;" % run.returncode, "not looked up" if not cache else "%d hits, %d misses, %d kept" % (cache["hits"], cache["misses"], cache["puts"]))
