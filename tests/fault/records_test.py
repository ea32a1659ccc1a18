#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bad records: at every position of a file, in every kind; blank lines, line ends, marks; huge lines; changing files.

One bad record costs one record, and is located. PRESSRUN_FAULT_ALL=1 also pipes a line of 1 GiB.
"""
import json
import subprocess
import sys

import fault

RECORDS = 12
GIB = 1 << 30

# One line that is no record. `cuts`: it takes what follows along, as nothing says where it ends.
BAD = {
    "no JSON": b"nonsense", "cut": b'{"id": 1, "name": "cu', "cut in an escape": b'{"id": 1, "name": "\\u00',
    "cut after a key": b'{"id":', "a list": b"[1, 2]", "a number": b"17", "a text": b'"text"', "null": b"null",
    "two records": b'{"id": 1}{"id": 2}', "a comma at the end": b'{"id": 1,}', "single quotes": b"{'id': 1}",
    "invalid UTF-8": b'{"id": 1, "name": "\xff\xfe"}', "an overlong sequence": b'{"id": 1, "name": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"id": 1, "name": "\xed\xa0\x80"}', "half a pair": b'{"id": 1, "name": "\\udc00"}',
    "a cut sequence": b'{"id": 1, "name": "\xe2\x82"}', "invalid UTF-8 in a key": b'{"\xff": 1}',
    "invalid UTF-8 where nobody looks": b'{"id": 1, "other": "\xff"}', "NUL": b'{"id": 1, "name": "\x00"}',
    "only NUL": b"\x00" * 20, "a control character": b'{"id": 1, "name": "\x1f"}', "not a number": b'{"id": NaN}',
    "infinity": b'{"id": -Infinity}', "a leading zero": b'{"id": 007}', "a bare point": b'{"id": 1.}',
    "a mark in the middle": b'\xef\xbb\xbf{"id": 1}', "deep": b'{"id": ' + b"[" * 100000 + b"]" * 100000 + b"}",
    "deep and cut": b'{"id": ' + b'{"a":[' * 50000, "deep where nobody looks": b'{"id": 1, "x": ' + b"[" * 100000,
    "a huge exponent": b'{"id": 1e99999}', "UTF-16": '{"id": 1}'.encode("utf-16-le"),
}
LARGE = {"a huge integer": b'{"id": ' + b"9" * 5000 + b"}", "a huge negative exponent": b'{"id": 1e-99999}',
         "a repeated key": b'{"id": 1, "id": 2}', "a long key": b'{"id": 1, "' + b"k" * 70000 + b'": 1}'}


def good(i):
    return b'{"id": %d, "name": "n%d"}' % (1000 + i, i)


def manifest(n, extra=""):
    sources = "".join("  s%d: { path: s%d.jsonl, key: id }\n" % (i, i) for i in range(n))
    jobs = "".join("  j%d: { from: s%d, template: card.j2, to: s%d.txt }\n" % (i, i, i) for i in range(n))
    return "sources:\n" + sources + "jobs:\n" + jobs + extra


def lines_with(bad, at):
    lines = [good(i) for i in range(RECORDS)]
    return lines[:at] + [bad] + lines[at:]


def bad_lines(runner):
    """Each kind at each position: one source a position, so one run a kind. Then with CRLF, and without a last end."""
    for name, bad in list(BAD.items()) + list(LARGE.items()):
        for ending, last in ((b"\n", b"\n"), (b"\r\n", b"")):
            files = {"pressrun.yaml": manifest(RECORDS + 1), "card.j2": "{{ id }};"}
            for at in range(RECORDS + 1):
                files["s%d.jsonl" % at] = ending.join(lines_with(bad, at)) + last
            with fault.case(files) as one:
                done = runner.run(one)
                what = "%s, lines end in %r" % (name, ending)
                runner.find(what, fault.crashed(done), *one.strayed())
                expect_one_each(runner, one, what, done, name in LARGE)


def expect_one_each(runner, one, what, done, may_pass):
    failures = {}
    for failure in one.failures():
        failures.setdefault(failure["path"], []).append(failure)
    now = one.outputs()
    for at in range(RECORDS + 1):
        told = failures.get("s%d.jsonl" % at, [])
        want = b"".join(b"%d;" % (1000 + i) for i in range(RECORDS))
        got = now.get("s%d.txt" % at, b"")
        where = "%s, line %d" % (what, at + 1)
        if (may_pass and not told) or (at == 0 and what.startswith("a mark")): # which is right there
            continue
        runner.find(where, "" if [failure["line"] for failure in told] == [at + 1] else "told: %s" % told,
                    "" if got == want else "the good ones gave %r" % got,
                    "" if done.returncode == 1 else "exit %d" % done.returncode,
                    "" if ("s%d.jsonl:%d:" % (at, at + 1)).encode() in done.stderr or len(failures) > 8 else "not located")


def ends_and_marks(runner):
    """What is no record and no fault either."""
    lines = [good(i) for i in range(RECORDS)]
    joined = b"\n".join(lines)
    rows = {
        "blank lines": b"\n\n" + b"\n \t\n\n".join(lines) + b"\n\n\n", "CRLF": b"\r\n".join(lines) + b"\r\n",
        "mixed ends": b"\r\n".join(lines[:5]) + b"\n" + b"\n\r\n".join(lines[5:]), "no last end": joined,
        "byte order mark": b"\xef\xbb\xbf" + joined, "spaces": b"\n".join(b" \t" + line + b"  " for line in lines),
        "a mark and CRLF": b"\xef\xbb\xbf" + b"\r\n".join(lines), "blank at the end": joined + b"\n   ",
    }
    files = {"pressrun.yaml": manifest(len(rows)), "card.j2": "{{ id }};"}
    for i, text in enumerate(rows.values()):
        files["s%d.jsonl" % i] = text
    want = b"".join(b"%d;" % (1000 + i) for i in range(RECORDS))
    with fault.case(files) as one:
        done = runner.run(one)
        runner.find("ends and marks", fault.crashed(done), done.stderr.decode())
        for i, name in enumerate(rows):
            got = one.outputs().get("s%d.txt" % i)
            runner.find(name, "" if got == want else "gave %r" % got)
    for name, text in {"empty": b"", "only a mark": b"\xef\xbb\xbf", "only blanks": b"\n \r\n\t\n"}.items():
        with fault.case({"pressrun.yaml": manifest(1), "card.j2": "{{ id }};", "s0.jsonl": text}) as one:
            done = runner.run(one)
            runner.find(name, fault.crashed(done), "" if done.returncode == 0 and one.outputs() in (
                {}, {"s0.txt": b""}) else "exit %d, %s %s" % (done.returncode, done.stderr.decode(), one.outputs()))


def cut_anywhere(runner):
    """A file cut at every byte: whole lines count, the rest is at most one located failure."""
    text = b"\n".join([good(0), b'{"id": 1, "name": "\xc3\xa9\\u00e9", "x": [1, {"y": null}]}', good(2)]) + b"\n"
    cuts = list(range(len(text) + 1))
    files = {"pressrun.yaml": manifest(len(cuts)), "card.j2": "{{ id }};"}
    for i in cuts:
        files["s%d.jsonl" % i] = text[:i]
    with fault.case(files) as one:
        done = runner.run(one)
        runner.find("cut anywhere", fault.crashed(done), *one.strayed())
        failures = {}
        for failure in one.failures():
            failures.setdefault(failure["path"], []).append(failure["line"])
        now = one.outputs()
        for i in cuts:
            lines = text[:i].split(b"\n")
            whole = [line for line in lines if line and line in text.split(b"\n")]
            told = failures.get("s%d.jsonl" % i, [])
            got = now.get("s%d.txt" % i, b"").count(b";")
            broken = [len(lines)] if lines[-1] and lines[-1] not in whole else []
            runner.find("cut at byte %d" % i, "" if (got, told) == (len(whole), broken) else
                        "%d of %d records, told of lines %s" % (got, len(whole), told))


# Huge lines, and files that change
# -----------------------------------------------------------------------------------------------------


def huge(runner):
    """A line above the limit is one failure, whatever it holds, and does not stay in memory."""
    limit = "limits: { record_bytes: 1MiB }\n"
    kinds = {"text": b'{"id": 1, "name": "' + b"x" * (3 << 20) + b'"}', "blanks": b" " * (3 << 20),
             "brackets": b"[" * (3 << 20), "NUL": b"\0" * (3 << 20), "unclosed": b'{"id": 1, "' + b"\\" * (3 << 20)}
    for name, line in kinds.items():
        for last in (b"\n", b""):
            files = {"pressrun.yaml": manifest(1, limit), "card.j2": "{{ id }};",
                     "s0.jsonl": b"\n".join([good(0), line, good(1)] if last else [good(0), good(1), line]) + last}
            with fault.case(files) as one:
                done = runner.run(one)
                told = [failure["line"] for failure in one.failures()]
                got = one.outputs().get("s0.txt")
                may_be_blank = name == "blanks" and not told and done.returncode == 0
                runner.find("a huge line of %s%s" % (name, "" if last else ", the last one"), fault.crashed(done),
                            "" if told == [2 if last else 3] or may_be_blank else "told: %s" % told,
                            "" if got == b"1000;1001;" else "gave %r" % got)


def gibibyte(runner):
    """Through a pipe; the memory it takes is bounded by the limit on a record."""
    if not fault.ALL:
        return
    files = {"pressrun.yaml": manifest(1).replace("path: s0.jsonl", 'path: "-", format: jsonl'), "card.j2": "{{ id }};"}
    writer = ("import sys; w = sys.stdout.buffer.write; w(b'%s\\n{\"id\": 1, \"name\": \"')\n"
              "for i in range(%d): w(b'x' * (1 << 20))\nw(b'\"}\\n%s\\n')" % (good(0).decode(), GIB >> 20, good(1).decode()))
    with fault.case(files) as one:
        with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE) as source:
            done = runner.run(one, stdin=source.stdout, timeout=600)
            source.stdout.close()
        runner.find("a line of 1 GiB", fault.crashed(done), "" if done.returncode == 1 else "exit %d" % done.returncode,
                    "" if one.outputs().get("s0.txt") == b"1000;1001;" else "gave %s" % one.outputs(),
                    "" if [failure["line"] for failure in one.failures()] == [2] else "told: %s" % one.failures())
        peak = fault.last_line(done)["peak_rss_bytes"]
        if fault.sanitizer_free(runner, "how much memory a line of 1 GiB takes"):
            runner.find("a line of 1 GiB", "" if peak < 300 << 20 else "took %d bytes of memory" % peak)


def changing(runner):
    """A source that is changed while it is read: noticed, at every read."""
    if not runner.can_trace():
        return
    files = {"pressrun.yaml": manifest(1), "card.j2": "{{ id }};",
             "s0.jsonl": b"\n".join(good(i) for i in range(40000)) + b"\n"}
    changes = {"grows": "cat more >>s0.jsonl", "is cut": "truncate -s 500000 s0.jsonl", "is emptied": ": >s0.jsonl",
               "is written anew": "cp whole other; cat other >s0.jsonl"}
    for name, change in changes.items():
        with fault.case(dict(files, more=good(50000) + b"\n", whole=files["s0.jsonl"].replace(b"n", b"m"))) as one:
            # Without a manifest, as a journal is read, too, and history; and with batches that do not depend on time.
            reading = {"calls": "read,pread64", "source": fault.TEMPORARY,
                       "command": ("render", "card.j2", "--each", "s0.jsonl", "--to", "out/s0.txt", "-q", "-j", "1",
                                   "--batch", "4096", "--history", "none")}
            done, report = runner.at(one, None, **reading)
            runner.find(name, done.stderr.decode() if done.returncode else "")
            total = report["calls"]
            assert total >= 3, report
            for n in range(1, total + 1):
                one.write("s0.jsonl", files["s0.jsonl"])
                one.restore({}) # else what is there is read and compared, too, also when the source has come to its end
                done, report = runner.at(one, n, "--run", "cd '%s' && %s" % (one.path, change), **reading)
                what = "a source %s at read %d of %d" % (name, n, total)
                noticed = done.returncode != 0 and b"s0.jsonl" in done.stderr
                runner.find(what, fault.crashed(done), "" if noticed else "exit %d, and: %s" % (
                    done.returncode, done.stderr.decode()))


def main():
    runner = fault.Runner(__doc__)
    for part in (bad_lines, ends_and_marks, cut_anywhere, huge, gibibyte, changing):
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
