#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""summary.py [OPTION...]: runs into a new directory, keeping the cache, and tells what came from it."""
import json, os, shutil, subprocess, sys

again = "again" in sys.argv
options = [word for word in sys.argv[1:] if word != "again"]
if again: # all outputs and the journal are gone, what is kept is not
    for name in os.listdir("out"):
        if name != ".pressrun":
            path = os.path.join("out", name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    for name in os.listdir("out/.pressrun"):
        if name not in ("cache", "cache.json"):
            path = os.path.join("out/.pressrun", name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
run = subprocess.run(["pressrun", "run", "-j1", "--json", *options], capture_output=True, text=True)
print(run.stderr, end="")
summary = json.loads(run.stdout)
cache = summary["cache"].get("render", {})
print("exit %d; rendered %d, up to date %d, cached %d; misses %d, kept %d; %s" % (
    run.returncode, summary["rendered"], summary["up_to_date"], summary["cached"], cache.get("misses", 0),
    cache.get("puts", 0), summary["digest"]))
