#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One output of 80 MB: in little memory, into every kind of sink; one that fails or is interrupted leaves nothing.

Run with sanitizers the page is smaller, and memory is not bounded.
"""
import errno
import hashlib
import json
import pathlib
import signal
import subprocess
import sys
import time

import fault
import workload

ROUNDS = 1100000
MEMORY = 200 << 20 # bytes of address space, for a process that the same page took three times its size before

TEMPLATE = """\
{% for i in range(rounds) %}{{ i }}. {{ "<some> words of a line that is not short" }} {{ i * 7 ~ '!' }} "\\" éè
{% endfor %}{% if broken %}{{ 1 // 0 }}{% endif %}end
"""
MANIFEST = """
templates: [.]
sources: { pages: { path: pages.jsonl, key: id } }
limits: { output_bytes: 1024MiB, memory_bytes: 128MiB, steps: 1000000000000, seconds: 3600 }
jobs:
  files: { from: pages, template: page.j2, to: "{{ id }}.txt"%s }
  packed: { from: pages, template: page.j2, to: "{{ id }}.txt.zst" }
  texts: { from: pages, template: page.j2, to: all.txt, separator: "--" }
  lines: { from: pages, template: page.j2, to: all.jsonl }
  stream: { from: pages, template: page.j2, to: all.txt.zst }
"""


def page(rounds):
    lines = ("%d. <some> words of a line that is not short %d! \"\\\" éè\n" % (i, i * 7) for i in range(rounds))
    return ("".join(lines) + "end").encode()


def record(name, rounds, broken=False):
    return json.dumps({"id": name, "rounds": rounds, "broken": broken}) + "\n"


def sha(data):
    return hashlib.sha256(data).hexdigest()


def unpacked(path):
    return subprocess.run(["zstd", "-qdc", path], check=True, stdout=subprocess.PIPE).stdout


def compare(what, got, expected):
    return "" if got == expected else "%s: %d bytes (%s), not %d (%s)" % (what, len(got), sha(got)[:8], len(expected),
                                                                        sha(expected)[:8])


def contents(one, pages):
    """What is wrong with any of the outputs."""
    whole = b"--".join(pages.values())
    for name, text in pages.items():
        yield compare(name, (one.out / (name + ".txt")).read_bytes(), text)
        yield compare(name + ".zst", unpacked(one.out / (name + ".txt.zst")), text)
    yield compare("all.txt", (one.out / "all.txt").read_bytes(), whole)
    yield compare("all.txt.zst", unpacked(one.out / "all.txt.zst"), b"".join(pages.values()))
    with open(one.out / "all.jsonl", encoding="utf-8") as f:
        for line, text in zip(f, pages.values()):
            yield compare("a line", json.loads(line).encode(), text)
    yield "" if len(one.outputs()) == 2 * len(pages) + 3 else "there are %s" % sorted(one.outputs())


def capped(runner):
    """What keeps the address space of a run small, where no sanitizer wants more."""
    return () if runner.sanitize else ("sh", "-c", 'ulimit -v %d && exec "$@"' % (MEMORY >> 10), "sh")


def bounded(runner):
    rounds = ROUNDS // 10 if runner.sanitize else ROUNDS
    pages = {name: page(n) for name, n in (("small", 3), ("large", rounds), ("next", rounds // 10))}
    records = "".join(record(name, n) for name, n in (("small", 3), ("large", rounds)))
    records += record("broken", rounds // 5, True) + record("next", rounds // 10)
    digests = set()
    with fault.case({"pressrun.yaml": MANIFEST % "", "page.j2": TEMPLATE, "pages.jsonl": records}) as one:
        for times, j in enumerate("12"):
            done = runner.run(one, command=("run", "-q", "--json", "-j", j), before=capped(runner))
            what = "run %d with %s workers" % (times, j)
            if not runner.find(what, fault.crashed(done),
                               "" if done.returncode == 1 else "exit %d\n%s" % (done.returncode, done.stderr.decode())):
                return
            report = fault.last_line(done)
            digests.add(report["digest"])
            runner.find(what, *contents(one, pages), *one.temporaries(), *one.strayed())
            runner.find(what, "" if report["failed"] == 5 else "%d failed" % report["failed"],
                        "" if (report["up_to_date"] + report["unchanged"] if times else report["written"]) == 15
                        else str(report))
        runner.find("digests", "" if len(digests) == 1 else str(digests))
    with fault.case({"page.j2": TEMPLATE, "page.json": record("large", rounds)}) as one:
        done = runner.run(one, command=("render", "page.j2", "--data", "page.json", "--limit", "output_bytes=1GiB",
                                        "--limit", "seconds=3600"),
                          before=capped(runner))
        runner.find("render", fault.crashed(done), compare("its text", done.stdout, pages["large"]))


def fallback(runner):
    """A page that fails when most of it is in the sink already: the fallback stands in its place, and nothing else."""
    for job in (", on_error: { fallback: sorry }", ", on_error: { fallback: sorry }, write: inplace"):
        with fault.case({"pressrun.yaml": MANIFEST % job, "page.j2": TEMPLATE,
                         "pages.jsonl": record("broken", 60000, True)}) as one:
            done = runner.run(one, "--only", "files")
            runner.find("fallback" + job, fault.crashed(done), *one.temporaries(), *one.strayed(),
                        "" if done.returncode == 1 else "exit %d" % done.returncode,
                        "" if one.outputs() == {"broken.txt": b"sorry"} else str(sorted(one.outputs())))


def interrupted(runner):
    """A page without end, and SIGINT in the middle of it."""
    for job in ("files", "packed", "texts", "lines", "stream"):
        with fault.case({"pressrun.yaml": (MANIFEST % "").replace("1024MiB", "1024GiB"), "page.j2": TEMPLATE,
                         "pages.jsonl": record("small", 3) + record("endless", 4000000000) + record("next", 3)}) as one:
            runner.runs += 1
            child = subprocess.Popen([runner.pressrun, "run", "-q", "-j", "1", "--only", job], cwd=one.path,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env=runner.environment())
            stop = time.monotonic() + fault.HANGS
            while time.monotonic() < stop and child.poll() is None and written(child.pid) < 10 << 20:
                time.sleep(0.02)
            child.send_signal(signal.SIGINT)
            try:
                _, stderr = child.communicate(timeout=fault.HANGS)
            except subprocess.TimeoutExpired:
                child.kill()
                _, stderr = child.communicate()
                runner.find(job, "it did not stop")
            runner.find(job, "" if child.returncode == 130 else "exit %d\n%s" % (child.returncode, stderr.decode()),
                        *one.temporaries(), *one.strayed())
            left = {"files": ["small.txt"], "packed": ["small.txt.zst"]}.get(job, [])
            runner.find(job, "" if sorted(one.outputs()) == left else "left: %s" % sorted(one.outputs()))


def disturbed(runner):
    """A stream of which one output comes in pieces and does not fit in memory, with a fault at some of its writes, or
    killed there: it is old or new."""
    if not runner.can_trace():
        runner.notes.append("skipped: tracing is not possible here")
        return
    with fault.case() as one:
        run = workload.Replacement(runner, one, n=12, line="{{ version }} {{ id }}{% if id == 7 %}"
                                   "{% for i in range(16) %}{{ version * 230000 }}\n{% endfor %}{% endif %}")
        calls = "write,pwrite64,openat2,unlinkat"
        run.reset()
        total = runner.at(one, None, calls=calls)[1]["calls"]
        for what in ([], ["--errno", str(errno.ENOSPC)], ["--tear"], ["--short"]):
            for n in fault.sample(total, 6):
                run.reset()
                done, report = runner.at(one, n, *what, calls=calls)
                where = "%s at call %d of %d (%s)" % (what, n, total, report["hit"])
                # A page that fails is left out, and said to be; the file that could not be removed stays.
                failed = done.returncode == 1 and b"key 7, job stream" in done.stderr
                runner.find(where, fault.crashed(done, killed=True), *([] if failed else run.mixed()), *one.strayed())
                runner.find(where, *run.incomplete(),
                            *([] if failed and report["hit"] == "unlinkat" else one.temporaries()))


def written(pid):
    """Bytes that a process has written so far; much of it at once where the system does not say."""
    try:
        text = pathlib.Path("/proc/%d/io" % pid).read_text()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return 1 << 40
    return int(text.split("wchar:")[1].split()[0])


def main():
    runner = fault.Runner(__doc__)
    for part in (bounded, fallback, interrupted, disturbed):
        if not runner.only or part.__name__ in runner.only:
            part(runner)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
