# SPDX-License-Identifier: MIT
"""Holds the manifest's JSON Schema against an independent validator.

    check_schema.py SCHEMA-COMMAND CASES [MANIFEST...]

The schema must itself be valid, twice the same, and agree with pressrun's own validator on every case: a case
whose expected errors are of the kind a schema can know (keys, types, bounds) must be refused, and all others must
be accepted. Further manifests must be accepted.
"""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml

# Messages about the form of a manifest. The rest is about files, names that refer to others, and values whose
# rules a schema does not express.
FORM = re.compile(r": error: (unknown key|expected (?!an object)|.* lacks the key|.* cannot be the name of"
                  r"|.* cannot stand together)")
# Messages about the text itself, which a schema never sees; and of NUL, which this one does not speak of.
TEXT = re.compile(r"error: (invalid (YAML|JSON)|duplicate key|merge keys|the tag <|a key must be|more than \d+ levels)"
                  r"|a NUL character")


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as pressrun reads it, instead of 1.1: `yes` and `on` are text."""


Core.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in
            ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
                           list("tTfF"))
Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))


def load(path):
    """The document, or None where it is none or says something twice."""
    text = path.read_bytes()
    try:
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=distinct)
        return yaml.load(text, Core)
    except (ValueError, yaml.YAMLError, RecursionError):
        return None


def distinct(pairs):
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def main():
    command, cases = sys.argv[1], pathlib.Path(sys.argv[2])
    text = subprocess.run(command, shell=True, check=True, capture_output=True).stdout
    assert text == subprocess.run(command, shell=True, check=True, capture_output=True).stdout, "not stable"
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    passed = failed = skipped = accepted = refused = 0
    checks = [(path, (path.parent / "expected").read_text()) for path in sorted(cases.glob("*/pressrun.*"))]
    checks += [(pathlib.Path(name), "") for name in sys.argv[3:]]
    for path, expected in checks:
        document = None if TEXT.search(expected) else load(path)
        if document is None:
            skipped += 1
            continue
        want = not FORM.search(expected)
        errors = [error.message for error in validator.iter_errors(document)]
        accepted += want
        refused += not want
        if want == (not errors):
            passed += 1
        else:
            failed += 1
            print(f"{path}: the schema should {'accept' if want else 'refuse'} it", *errors[:3], sep="\n  ")
    print(f"{accepted} to accept, {refused} to refuse")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0 or accepted < 10 or refused < 10


if __name__ == "__main__":
    sys.exit(main())
