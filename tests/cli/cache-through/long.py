#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many records whose outputs do not pack well."""
import hashlib, json

with open("people.jsonl", "w") as f:
    for i in range(6):
        noise = "".join(hashlib.sha256(b"%d %d" % (i, k)).hexdigest() for k in range(20))
        f.write(json.dumps({"id": i, "name": noise}) + "\n")
