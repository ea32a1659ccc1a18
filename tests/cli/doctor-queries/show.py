# SPDX-License-Identifier: MIT
"""What of the JSON is the same on every machine."""
import json
import sys

found = json.load(sys.stdin)
for query in found["queries"]:
    print(query["source"], query.get("rows"), query.get("slow"), query["sql"])
    for step in query["plan"]:
        print("  " * (step["depth"] + 1) + step["kind"], "again" if step["again"] else "once", sep=", ")
    for proposal in query["proposals"]:
        faster = proposal["proved"] and proposal["before_seconds"] > proposal["after_seconds"]
        print("  ", proposal["sql"], proposal["proved"], faster, [step["kind"] for step in proposal["plan"]])
for index in found["indexes"]:
    print(index["index"], index["unique"], index["queries"], index["bytes"] > 0)
