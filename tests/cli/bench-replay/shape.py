# SPDX-License-Identifier: MIT
"""Prints the keys of a document, and the types of what they hold."""
import json
import sys


def shape(value):
    if isinstance(value, dict):
        return "{" + ", ".join("%s: %s" % (k, shape(v)) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[%s]" % shape(value[0]) if value else "[]"
    return type(value).__name__


for key, value in json.load(sys.stdin).items():
    print(key, shape(value))
