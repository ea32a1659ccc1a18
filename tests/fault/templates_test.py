#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Templates that run away: endless loops, templates that include themselves, texts that double, deep nesting.

Each ends in a located error, in bounded memory, and costs one output: the same template with a harmless record is
written. The limits are small here; that they are kept by a factor, and not only somewhere, is what counts.
"""
import json
import re
import sys

import fault

MANIFEST = """
sources: { records: { path: records.jsonl, key: id } }
jobs:
  run: { from: records, template: main.j2, to: "{{ id }}.txt" }
limits: { steps: 300000, output_bytes: 1MiB, memory_bytes: 32MiB, include_depth: 16 }
"""
LIMITS = r"steps|larger than|memory|deep|too (long|large|big|many|deep)|at most|nested|recursion|limit"
PEAK = 150 << 20 # bytes for a whole run of them; several times the limits

# What only happens where `on` is true, so that the harmless record goes through the same template.
RUNAWAY = {
    "a loop in a loop in a loop": "{% for a in range(5000) %}{% for b in range(5000) %}{% for c in range(5000) %}"
                                  "{% endfor %}{% endfor %}{% endfor %}",
    "a loop that writes": "{% for a in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
    "a range without end": "{% for a in range(10 ** 15) %}{% endfor %}",
    "the length of a range": "{{ range(10 ** 15) | list | length }}",
    "a sum over a range": "{{ range(10 ** 12) | sum }}",
    "a text that doubles": "{% set n = namespace(s='x' * 64) %}{% for i in range(64) %}{% set n.s = n.s ~ n.s %}"
                           "{% endfor %}{{ n.s | length }}",
    "a text that doubles by plus": "{% set n = namespace(s='x' * 64) %}{% for i in range(64) %}"
                                   "{% set n.s = n.s + n.s %}{% endfor %}",
    "a list that doubles": "{% set n = namespace(s=[1]) %}{% for i in range(64) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "a list times": "{{ ([0] * 10 ** 12) | length }}",
    "lists that hold lists": "{% set n = namespace(s=[]) %}{% for i in range(100000) %}{% set n.s = [n.s, n.s] %}"
                             "{% endfor %}{{ n.s }}",
    "a list that holds itself": "{% set s = [] %}{% set _ = s.append(s) %}{% for i in range(100) %}{{ s }}{% endfor %}"
                                "{{ 1 // 0 }}",
    "a text times": "{{ 'abc' * 10 ** 12 }}",
    "a text times nothing said": "{% set s = 'abc' * 10 ** 18 %}",
    "a negative power of a huge number": "{{ 10 ** 100000 }}{{ 2 ** 10 ** 9 }}",
    "shifted": "{{ '%*d' | format(10 ** 9, 1) }}",
    "a wide format": "{{ '%1000000000d' | format(1) }}",
    "an exact format": "{{ '%.1000000000f' | format(1) }}",
    "centred": "{{ 'x' | center(10 ** 12) }}",
    "indented": "{{ ('a\\n' * 100000) | indent(10 ** 9) }}",
    "joined": "{{ range(200000) | join('x' * 100000) }}",
    "replaced": "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "replaced by nothing": "{{ ('a' * 500000) | replace('', 'b' * 100000) }}",
    "batches": "{{ range(10) | batch(10 ** 12, 0) | list }}",
    "slices": "{{ range(10) | slice(10 ** 12) | list | length }}",
    "wrapped": "{% for i in range(10000) %}{{ ('a ' * 200000) | wordwrap(1) | length }}{% endfor %}",
    "sorted again and again": "{% for i in range(10 ** 9) %}{% set _ = range(100000) | sort %}{% endfor %}",
    "printed deep": "{% set n = namespace(s='x') %}{% for i in range(30) %}{% set n.s = [n.s] * 8 %}{% endfor %}{{ n.s }}",
    "dumped deep": "{% set n = namespace(s='x') %}{% for i in range(30) %}{% set n.s = [n.s] * 8 %}{% endfor %}"
                   "{{ n.s | tojson }}",
    "a macro that calls itself": "{% macro m(x) %}{{ m(x + 1) }}{% endmacro %}{{ m(0) }}",
    "two macros that call each other": "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a macro that calls itself twice": "{% macro m(x) %}{% if x %}{{ m(x - 1) }}{{ m(x - 1) }}{% endif %}{% endmacro %}"
                                       "{{ m(60) }}",
    "a caller that calls": "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}"
                           "{% endmacro %}{{ n() }}",
    "an include of itself": "{% include 'main.j2' %}",
    "an include of itself in a loop": "{% for i in range(10) %}{% include 'main.j2' %}{% endfor %}",
    "two that include each other": "{% include 'other.j2' %}",
    "a name that is computed": "{% include 'ma' ~ 'in.j2' %}",
    "a name too long": "{% include 'n' * 5000 %}",
    "a part of a name too long": "{% include 'n' * 300 %}",
    "many includes": "{% for i in range(10 ** 9) %}{% include 'empty.j2' %}{% endfor %}",
    "deep data printed": "{% for i in range(10 ** 6) %}{{ deep }}{% endfor %}",
    "long data doubled": "{% set n = namespace(s=long) %}{% for i in range(64) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "a lookup that grows": "{% set n = namespace(s='a') %}{% for i in range(10 ** 9) %}{% set n.s = n.s ~ 'a' %}{% endfor %}",
    "escaped": "{% for i in range(64) %}{% set x = ('<' * 500000) | escape | escape | escape | escape %}{% endfor %}"
               "{{ ('<' * 900000) | escape | escape | escape | escape | escape | escape | escape | escape }}",
    "percent signs": "{{ ('é' * 300000) | urlencode | urlencode | urlencode | urlencode | urlencode | urlencode }}",
}


def deep_data(levels):
    return "[" * levels + "]" * levels


def runaways(runner):
    for name, template in RUNAWAY.items():
        deep = deep_data(200)
        records = ['{"id": %d, "on": %s, "deep": %s, "long": "%s"}' % (i, on, deep, "y" * 10000)
                   for i, on in ((1, "false"), (2, "true"), (3, "false"))]
        with fault.case({"pressrun.yaml": MANIFEST, "main.j2": "{% if on %}" + template + "{% endif %}done",
                         "other.j2": "{% include 'main.j2' %}", "empty.j2": "",
                         "records.jsonl": "\n".join(records) + "\n"}) as one:
            done = runner.run(one)
            text = done.stderr.decode("utf-8", "replace")
            if not runner.find(name, fault.crashed(done)):
                continue
            runner.find(name, "" if done.returncode == 1 else "exit %d\n%s" % (done.returncode, text[:500]),
                        "" if re.search(r"^(main|other)\.j2:\d+:\d+: error: ", text, re.M) else "not located:\n" + text[:500],
                        "" if one.outputs() == {"1.txt": b"done", "3.txt": b"done"} else "outputs: %s" % sorted(one.outputs()),
                        *one.strayed())
            if not runner.sanitize and done.stdout:
                peak = fault.last_line(done)["peak_rss_bytes"]
                runner.find(name, "" if peak < PEAK else "took %d MiB of memory\n%s" % (peak >> 20, text[:300]))


# Templates that are hard to compile
# -----------------------------------------------------------------------------------------------------


def heavy():
    n = 20000
    yield "parentheses", "{{ " + "(" * n + "1" + ")" * n + " }}"
    yield "unclosed parentheses", "{{ " + "(" * n
    yield "lists", "{{ " + "[" * n + "]" * n + " }}"
    yield "maps", "{{ " + "{'a':" * n + "1" + "}" * n + " }}"
    yield "not", "{{ " + "not " * n + "x }}"
    yield "minus", "{{ " + "-" * n + "1 }}"
    yield "powers", "{{ " + "1 ** " * n + "1 }}"
    yield "plus", "{{ " + "1 + " * n + "1 }}"
    yield "tilde", "{{ " + "'a' ~ " * n + "'a' }}"
    yield "conditions", "{{ " + "1 if x else " * n + "1 }}"
    yield "filters", "{{ 'a'" + " | upper" * n + " }}"
    yield "attributes", "{{ x" + ".a" * n + " }}"
    yield "subscripts", "{{ " + "x[" * n + "0" + "]" * n + " }}"
    yield "calls", "{{ x" + "()" * n + " }}"
    yield "comparisons", "{{ 1" + " < 2" * n + " }}"
    yield "ifs", "{% if x %}" * n + "{% endif %}" * n
    yield "unclosed ifs", "{% if x %}" * n
    yield "elifs", "{% if x %}" + "{% elif x %}" * n + "{% endif %}"
    yield "loops", "{% for a in x %}" * n + "{% endfor %}" * n
    yield "blocks", "".join("{%% block b%d %%}" % i for i in range(n)) + "{% endblock %}" * n
    yield "macros", "{% macro m() %}" * n + "{% endmacro %}" * n
    yield "withs", "{% with a = 1 %}" * n + "{% endwith %}" * n
    yield "filter blocks", "{% filter upper %}" * n + "{% endfilter %}" * n
    yield "set blocks", "{% set a %}" * n + "{% endset %}" * n
    yield "many variables", "".join("{%% set v%d = 1 %%}" % i for i in range(n))
    yield "many literals", "{{ [" + ",".join("'text %d'" % i for i in range(n)) + "] | length }}"
    yield "many names in a loop", "{% for " + ", ".join("a%d" % i for i in range(n)) + " in x %}{% endfor %}"
    yield "many arguments", "{{ x(" + ", ".join(["1"] * n) + ") }}"
    yield "many parameters", "{% macro m(" + ", ".join("a%d" % i for i in range(n)) + ") %}{% endmacro %}{{ m() }}"
    yield "folded doubling", "{{ 'x'" + " * 100" * 12 + " }}"
    yield "folded power", "{{ 9 ** 9 ** 9 ** 9 }}"
    yield "folded range", "{{ range(10 ** 12) | list }}"
    yield "a long name", "{{ " + "n" * (1 << 20) + " }}"
    yield "a long text", "{{ '" + "t" * (1 << 20) + "' }}"
    yield "a long comment", "{# " + "c" * (1 << 20)
    yield "a long number", "{{ " + "9" * 100000 + " }}"
    yield "raw", "{% raw %}" + "{% raw %}" * n
    yield "many errors", "{{ ) }}" * n
    yield "an include of a long name", "{% include '" + "n" * 300 + "' %}"
    yield "an include of a directory", "{% include '.' %}"
    yield "an import of a long name", "{% from '" + "n/" * 3000 + "x' import y %}"
    yield "NUL", "a\0b{{ x }}\0"
    yield "invalid UTF-8", b"\xff\xfe{{ x }}"


def heavy_templates(runner):
    """Any exit code, but no crash, and an error that is located. Each twice: as a template, and as `where`."""
    for name, template in heavy():
        data = template if isinstance(template, bytes) else template.encode()
        with fault.case({"main.j2": data, "data.json": '{"x": 1}'}) as one:
            done = runner.run(one, command=("render", "main.j2", "--data", "data.json"))
            check_heavy(runner, "template of " + name, one, done, rb"main\.j2:\d+:\d+: error: ")
        text = data.decode("utf-8", "replace")
        if not text.startswith("{{ ") or not text.endswith(" }}"):
            continue
        with fault.case({"pressrun.yaml": MANIFEST.replace("main.j2,", "main.j2, where: %s," % json.dumps(text[3:-3])),
                         "main.j2": "done", "records.jsonl": '{"id": 1, "x": 1}\n'}) as one:
            done = runner.run(one)
            check_heavy(runner, "where: " + name, one, done, rb"pressrun\.yaml:\d+:\d+: error: |records\.jsonl:1")


def check_heavy(runner, what, one, done, located):
    runner.find(what, fault.crashed(done), *one.strayed())
    if done.returncode in (1, 2):
        runner.find(what, "" if re.search(located, done.stderr) else "not located:\n" + done.stderr.decode(
            "utf-8", "replace")[:500], "" if len(done.stderr) < 100000 else "%d bytes of errors" % len(done.stderr))


def main():
    runner = fault.Runner(__doc__)
    for part in (runaways, heavy_templates):
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
