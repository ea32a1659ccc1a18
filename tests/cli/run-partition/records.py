# Records of uneven size, many enough for many batches: a few are a hundred times as long as most.
import json

for i in range(2500):
    print(json.dumps({"id": i, "kind": i % 97, "n": 200 if i % 61 == 0 else 2, "text": "x" * (20000 if i % 61 == 0 else 200)}))
