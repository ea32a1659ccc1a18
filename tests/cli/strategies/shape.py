# The shape of `strategies --json`: what does not depend on the machine.
import json, sys

d = json.load(sys.stdin)
print(sorted(d))
for name, state in sorted(d["states"].items()):
    print(name, sorted(state), state["rounds"] > 0)
    for v in sorted(state["variants"], key=lambda v: v["name"]):
        print(" ", v["name"], v["workers"] == 1 or v["name"] not in ("minimal", "sequential"),v["place"] in ("open", "fastest", "equal", "slower", "set aside") or v["name"] == "auto" and not v["place"],
              v["wall_seconds"]["low"] <= v["wall_seconds"]["median"] <= v["wall_seconds"]["high"],
              0 < len(v["samples"]) <= state["rounds"], v["hit_rates"])
print(sorted(state["variants"][0]))
print(d["digest"], d["outputs"], d["failed"], d["base"], d["compared"])
