#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""summary.py [OPTION...]: runs, and tells what of a schema came from the cache."""
import json, subprocess, sys

run = subprocess.run(["pressrun", "run", "-j1", "--json", *sys.argv[1:]], capture_output=True, text=True)
print(run.stderr, end="")
cache = json.loads(run.stdout)["cache"]
print("exit %d;" % run.returncode, "; ".join("%s %s" % (c, "%d of %d" % (cache[c]["hits"], cache[c]["hits"] + cache[c]["misses"]) if c in cache else "-")
                                            for c in ("schema", "types", "relations")))
