#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""calls.py [OPTION...]: runs, and tells how often the filter was called and what came from the cache."""
import json, os, subprocess, sys

if os.path.exists("calls"):
    os.remove("calls")
run = subprocess.run(["pressrun", "run", "-j1", "--force", "--batch", "100", "--json", *sys.argv[1:]], capture_output=True, text=True)
print("".join(line + "\n" for line in run.stderr.split("\n") if line.startswith("pressrun:")), end="")
calls = len(open("calls").read().split()) if os.path.exists("calls") else 0
summary = json.loads(run.stdout)
cache = summary["cache"].get("through", {})
print("exit %d; %d calls; %d failed; %d cached; hits %d, misses %d, kept %d" % (
    run.returncode, calls, summary["failed"], summary["cached"], cache.get("hits", 0), cache.get("misses", 0),
    cache.get("puts", 0)))
print("".join("%s: audited %d, differing %d, quarantined %s\n" % (
    "audit", summary["cache"]["audited"], summary["cache"]["differing"], summary["cache"]["quarantined"])
    if summary["cache"]["audited"] else ""), end="")
