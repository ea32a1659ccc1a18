# SPDX-License-Identifier: MIT
"""openmetrics.py FILE [SAMPLE...]: whether a file is what OpenMetrics 1.0 says, strictly, and the samples that are asked for.

A SAMPLE is a name with or without labels, and may be a pattern (*). Numbers that are not whole are not printed.
"""
import fnmatch
import re
import sys

NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{((?:%s)(?:,%s)*)\})? (\S+)" % (NAME, LABEL, LABEL))
SUFFIXES = {"gauge": [""], "counter": ["_total", "_created"], "unknown": [""], "summary": ["", "_sum", "_count", "_created"]}


def check(condition, number, what):
    if not condition:
        raise SystemExit("line %d: %s" % (number, what))


def read(text):
    """{(name, labels): number}. Families come whole, metadata before samples, each sample once."""
    families, samples, family = {}, {}, None
    check(text.endswith("# EOF\n"), 0, "does not end in # EOF")
    lines = text.split("\n")[:-2]
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            match = re.fullmatch("# (TYPE|UNIT|HELP) (%s) (.*)" % NAME, line)
            check(match, number, "is no metadata: " + line)
            word, name, rest = match.groups()
            if family is None or family["name"] != name:
                check(name not in families, number, "family twice: " + name)
                family = families[name] = {"name": name, "samples": 0}
            check(word not in family and not family["samples"], number, word + " twice, or behind samples")
            family[word] = rest
            check(word != "TYPE" or rest in SUFFIXES, number, "unknown type " + rest)
            check(word != "UNIT" or name.endswith("_" + rest), number, "the name does not end in its unit")
            check(word != "HELP" or not re.search(r"\\(?![\\n\"])", rest), number, "escape in HELP")
            continue
        match = SAMPLE.fullmatch(line)
        check(match, number, "is no sample: " + line)
        name, labels, value = match[1], match[2] or "", float(match[match.re.groups])
        suffixes = [name[len(family["name"]):]] if family and name.startswith(family["name"]) else []
        check(suffixes and suffixes[0] in SUFFIXES[family["TYPE"]], number, "is not of its family: " + name)
        keys = [key for key, _ in re.findall(LABEL, labels)]
        check(len(keys) == len(set(keys)), number, "label twice")
        check((family["TYPE"] == "summary" and name == family["name"]) == ("quantile" in keys), number, "quantile")
        check((name, labels) not in samples, number, "sample twice")
        check("HELP" in family, number, "without help")
        family["samples"] += 1
        samples[name, labels] = value
    for name, family in families.items():
        check(family["samples"], 0, "empty family " + name)
    return samples


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as f:
        samples = read(f.read())
    for (name, labels), value in samples.items():
        shown = "%s{%s}" % (name, labels)
        if any(fnmatch.fnmatchcase(name, wanted) or fnmatch.fnmatchcase(shown, wanted) for wanted in sys.argv[2:]):
            print(shown, int(value) if value == int(value) else "...")
    print("well formed")


main()
