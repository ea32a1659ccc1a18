"""Records for some tens of batches, and a few for one."""
import json

with open("items.jsonl", "w", encoding="utf-8") as file:
    for i in range(5000):
        file.write(json.dumps({"id": i, "kind": i % 97, "n": 60 if i % 7 == 0 else 2, "text": "x" * 300}) + "\n")
with open("few.jsonl", "w", encoding="utf-8") as file:
    for i in range(5):
        file.write(json.dumps({"id": i, "n": 3}) + "\n")
