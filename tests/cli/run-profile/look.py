# What holds of a profile of these templates, however busy the machine: nearly all of the time is one line's, where it sorts.
import json
import re
import sys

with open(sys.argv[1]) as f:
    profile = json.loads(f.read().splitlines()[-1])["profile"]
dearest = profile["lines"][0]
print("dearest:", dearest["template"], dearest["line"], dearest["text"], dearest["share"] > 0.8)
totals = {(line["template"], line["line"]): line["total_seconds"] for line in profile["lines"]}
print("with what it leads to:", totals.get(("templates/card.j2", 2), profile["seconds"]) > 0.8 * profile["seconds"])
print("sums:", abs(sum(line["seconds"] for line in profile["lines"]) - profile["seconds"]) < 1e-6 * profile["seconds"])
print("templates:", [t["template"] for t in profile["templates"]][0], profile["more"] >= 0, profile["samples"] > 0)
with open(sys.argv[2]) as f:
    stacks = f.read().splitlines()
print("folded:", all(re.fullmatch(r"\S[^;]*(;[^;]+)* \d+", stack) for stack in stacks))
print("sorting:", any(s.startswith("cards;templates/card.j2:2;templates/slow.j2:2;sort ") for s in stacks))
microseconds = sum(int(stack.rsplit(" ", 1)[1]) for stack in stacks)
print("as much:", abs(microseconds / 1e6 - profile["seconds"]) < 0.01 * profile["seconds"] + 1e-3)
