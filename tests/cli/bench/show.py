# SPDX-License-Identifier: MIT
"""show.py FILE: the keys of what `bench --json` printed, and the values that are the same everywhere."""
import json
import sys

SAME = ("name", "unit", "units", "units_at_scale_1", "records", "digest", "run", "workers", "outputs", "written",
        "unchanged", "scale", "seed", "repeat", "operation")


def show(value, name, depth):
    if isinstance(value, dict) and set(value) == {"median", "low", "high"}:
        print("%s%s: %s" % ("  " * depth, name, "in order" if value["low"] <= value["median"] <= value["high"] else value))
    elif isinstance(value, dict):
        print("%s%s" % ("  " * depth, name))
        for key in value:
            show(value[key], key, depth + 1)
    elif isinstance(value, list):
        print("%s%s: %d, the first:" % ("  " * depth, name, len(value)))
        show(value[0], "-", depth + 1)
    else:
        print("%s%s%s" % ("  " * depth, name, ": %s" % value if name in SAME else ""))


with open(sys.argv[1], encoding="utf-8") as file:
    bench = json.load(file)
show(bench, "bench", 0)
for scenario in bench["scenarios"]:
    for run in scenario["runs"]:
        print(scenario["name"], *[run[key] for key in ("run", "workers", "written", "unchanged", "digest")])
