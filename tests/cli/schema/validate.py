import json
import sys

import jsonschema
import yaml

schema = json.load(open("schema.json", encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
errors = list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(open(sys.argv[1], encoding="utf-8"))))
print(sys.argv[1], "accepted" if not errors else "refused")
