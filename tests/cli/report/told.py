"""told.py REPORT: what a report in JSON says that does not change from run to run."""
import json
import sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
print(report["kind"], report["title"], report["made"], report["verdict"]["state"], report["verdict"]["word"])
figures = {figure["id"]: figure["text"] for figure in report["figures"]}
print({key: figures.get(key) for key in ("load.records", "render.outputs", "run.failed")})
print([section["id"] for section in report["sections"]])
for section in report["sections"]:
    for block in section["blocks"]:
        if block["type"] == "faults":
            print(block["items"])
        if block["type"] == "chart" and block["form"] == "lanes":
            print(len(block["lanes"]), "lanes of", block["kinds"])
