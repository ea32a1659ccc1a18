"""valid.py SCHEMA REPORT...: whether reports are what their schema says."""
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
for path in sys.argv[2:]:
    report = json.load(open(path, encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(report)
    print(report["kind"], "is valid")
