# SPDX-License-Identifier: MIT
"""valid.py SCHEMA DOCUMENT...: holds documents against a JSON Schema, and the schema against what it forbids."""
import copy
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for name in sys.argv[2:]:
    document = json.load(open(name))
    print(name, [error.message for error in validator.iter_errors(document)] or "is valid")
    for path, value in [(["session"], None), (["started"], "now"), (["outcome"], "fine"), (["metrics", "run.seconds"], "1"),
                        (["metrics", "new.metric"], []), (["distributions", "render", "buckets"], [-1, 2]),
                        (["distributions", "render", "count"], None), (["errors"], [{"kind": "x"}])]:
        broken = copy.deepcopy(document)
        at = broken
        for key in path[:-1]:
            at = at[key]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        if validator.is_valid(broken):
            print(name, "is also valid with", path, value)
