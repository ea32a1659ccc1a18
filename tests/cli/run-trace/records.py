"""Records for several batches, and a few more."""
import json

with open("people.jsonl", "w", encoding="utf-8") as file:
    for n in range(4000):
        file.write(json.dumps({"id": n, "name": "n" * 300, "city": "city%d" % (n * n % 150)}) + "\n")
with open("letters.jsonl", "w", encoding="utf-8") as file:
    for n in range(10):
        file.write(json.dumps({"id": n, "name": "a", "city": "b"}) + "\n")
