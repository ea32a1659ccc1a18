"""What `plan --timing` tells in its four forms is the same, and is what the session has."""
import json
import re
import subprocess
import sys


def pressrun(*arguments):
    return subprocess.run(["pressrun", *arguments], stdout=subprocess.PIPE, check=True).stdout.decode()


def expect(what, *details):
    if not what:
        sys.exit("%r" % (details,))


options = sys.argv[1:]
timing = [] if any(o.startswith("--timing=") for o in options) else ["--timing"]
plan = json.loads(pressrun("plan", *timing, "--json", *options))
session = json.loads(pressrun("history", plan["timing"]["session"], "--json", "--history", "runs"))
nodes = {n["id"]: n for n in plan["nodes"]}

# The session's nodes are the plan's, by name.
kept = {}
for node in session["nodes"]:
    kept["%s %s" % (node["stage"], node.get("job") or node.get("source") or "outputs")] = node
path = {}
for part in session["critical_path"]:
    name = part.get("job") or part.get("source") or "outputs"
    path.setdefault("%s %s" % (part["stage"].replace("through", "render"), name), []).append(part["share"])
busy = sum(node["seconds"] for node in session["nodes"])
for node in nodes.values():
    times, known = node["timing"], kept.get(node["label"])
    expect((times is None) == (known is None), node)
    if times:
        for key in ("seconds", "outputs", "batches", "p50", "p95", "through_seconds"):
            expect((key in times) == (key in known), key, node, known)
            expect(abs(times.get(key, 0) - known.get(key, 0)) < 1e-6, key, node, known)
        expect(abs(times["share"] - known["seconds"] / busy) < 1e-4, node, busy)
        expect(abs(times["path_share"] - sum(path.get(node["label"], []))) < 1e-4, node, path)
        expect(times.get("p50", 0) <= times.get("p95", 0), node)

# All of the run is on the path: on nodes or between them. Those with a hundredth of what is on nodes are marked.
shares = sum(n["timing"]["path_share"] for n in nodes.values() if n["timing"])
expect(abs(sum(p["share"] for p in session["critical_path"]) - 1) < 1e-3, session["critical_path"])
marked = {id for id, n in nodes.items() if n["timing"] and n["timing"]["path_share"] >= 0.01 * shares > 0}
expect(marked == {id for id, n in nodes.items() if n["timing"] and n["timing"]["on_path"]}, marked)
edges = {(e["from"], e["to"]) for e in plan["edges"] if {e["from"], e["to"]} <= marked}

text = pressrun("plan", *timing, *options)
expect(marked == {int(n) for n in re.findall(r"^\* *(\d+) ", text, re.M)}, text)
dot = pressrun("plan", *timing, "--dot", *options)
expect(marked == {int(n) for n in re.findall(r"^ *n(\d+) \[label=.*penwidth", dot, re.M)}, dot)
expect(edges == {(int(a), int(b)) for a, b in re.findall(r"n(\d+) -> n(\d+) \[color", dot)}, dot)
mermaid = pressrun("plan", *timing, "--mermaid", *options)
expect(marked == {int(n) for n in re.findall(r"style n(\d+) stroke:", mermaid)}, mermaid)
links = re.findall(r"n(\d+) --> n(\d+)", mermaid)
styled = re.findall(r"linkStyle ([\d,]+)", mermaid)
expect(edges == {tuple(map(int, links[int(i)])) for s in styled for i in s.split(",")}, mermaid)
unknown = {id for id, n in nodes.items() if not n["timing"]}
expect(unknown == {int(n) for n in re.findall(r"style n(\d+) stroke-dash", mermaid)}, mermaid)
for form in (text, dot, mermaid):
    expect(form.count("no times") == len(unknown), form)
print(len(nodes), "nodes,", len(unknown), "without times;", "some" if marked else "none", "marked")
