#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers whose number changes: make's jobserver gets every token back, and a run that may not load still ends.

Tokens are bytes of our own, so that it shows whether the very ones come back: from runs that end well, fail, are
interrupted once or twice, or have nothing to do for a while; through a pipe, a fifo, and a real make.
"""
import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time

import fault

TOKENS = b"abcdefgh"
CPUS = len(os.sched_getaffinity(0))
MANIFEST = """sources: { people: people.jsonl }
jobs:
  cards: { from: people, template: card.j2, to: "cards/{{ id }}.txt" }
limits: { steps: 1000000000, seconds: 1000 }
"""
FILES = {"pressrun.yaml": MANIFEST,
         "people.jsonl": "".join('{"id": %d, "name": "n%d"}\n' % (i, i) for i in range(3000)),
         "card.j2": "{% for i in range(20) %}{{ name }} {{ i }}\n{% endfor %}"}
SLOW = "{%% for i in range(%d) %%}{%% if i == 7 %%}{{ name }}{%% endif %%}{%% endfor %%}"


class Jobserver:
    """What make has, with tokens that can be told apart."""

    def __init__(self, one, fifo=False):
        self.fifo = str(one.root / "a fifo") if fifo else None
        if fifo:
            os.mkfifo(self.fifo)
            self.reader = os.open(self.fifo, os.O_RDWR)
            self.writer = os.dup(self.reader)
            auth = "fifo:" + self.fifo.replace(" ", "\\ ")
        else:
            self.reader, self.writer = os.pipe()
            auth = "%d,%d" % (self.reader, self.writer)
        os.write(self.writer, TOKENS)
        self.environment = {"MAKEFLAGS": " -j9 --jobserver-auth=%s -- A=b" % auth}
        self.handed = () if fifo else (self.reader, self.writer)

    def here(self):
        """The tokens that nobody has."""
        flags = fcntl.fcntl(self.reader, fcntl.F_GETFL)
        if flags & os.O_NONBLOCK:
            return "somebody made make's descriptor one that does not wait"
        fcntl.fcntl(self.reader, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        try:
            found = os.read(self.reader, 100)
        except BlockingIOError:
            found = b""
        fcntl.fcntl(self.reader, fcntl.F_SETFL, flags)
        os.write(self.writer, found)
        return bytes(sorted(found)).decode()

    def lost(self):
        here = self.here()
        return "" if here == TOKENS.decode() else "of the tokens %s there are %s" % (TOKENS.decode(), here)

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


@contextlib.contextmanager
def jobserver(one, fifo=False):
    server = Jobserver(one, fifo)
    try:
        yield server
    finally:
        server.close()
        if fifo:
            os.unlink(server.fifo)


def begin(runner, one, server, *arguments, **more):
    runner.runs += 1
    return subprocess.Popen([runner.pressrun, "run", "--json", "--force", *arguments], cwd=one.path,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=server.handed,
                            env=runner.environment(**server.environment), **({"stdin": subprocess.DEVNULL} | more))


def end(child):
    stdout, stderr = child.communicate(timeout=fault.HANGS)
    return subprocess.CompletedProcess([], child.returncode, stdout, stderr)


def until(true):
    """Waits for it; whether it came."""
    last = time.monotonic() + fault.HANGS / 2
    while not true():
        if time.monotonic() > last:
            return False
        time.sleep(0.01)
    return True


def workers_of(done, most):
    report = fault.last_line(done)
    right = 1 <= report["workers_least"] <= report["workers"] <= most
    return "" if right else "%d to %d workers, not up to %d" % (report["workers_least"], report["workers"], most)


def ends_well(runner, one, fifo):
    one.fill(FILES)
    with jobserver(one, fifo) as server:
        done = end(begin(runner, one, server))
        runner.find("well, fifo %s" % fifo, fault.crashed(done), "" if done.returncode == 0 else "exit %d" % done.returncode,
                    done.stderr.decode(), server.lost(), workers_of(done, min(CPUS, len(TOKENS) + 1)),
                    "" if fault.last_line(done)["workers"] > 1 else "took no token")
        return fault.last_line(done)["digest"]


def no_tokens_left(runner, one):
    with jobserver(one) as server:
        os.read(server.reader, 100)
        done = end(begin(runner, one, server))
        runner.find("no tokens", fault.crashed(done), workers_of(done, 1), "makes tokens" if server.here() else "")


def fails(runner, one):
    for what, name, text, code in (("a template", "card.j2", "{% if %}", 2), ("records", "card.j2", "{{ nobody.x }}", 1),
                                   ("the source", "people.jsonl", None, 2)):
        one.fill(FILES)
        one.write(name, text or "")
        if text is None:
            os.unlink(one.path / name)
        with jobserver(one) as server:
            done = end(begin(runner, one, server))
            runner.find("failing: " + what, fault.crashed(done), server.lost(),
                        "" if done.returncode == code else "exit %d\n%s" % (done.returncode, done.stderr.decode()))


def is_interrupted(runner, one, times, number):
    one.fill(FILES)
    one.write("card.j2", SLOW % (30000 if times == 1 else 100000000)) # once: what is in flight comes to its end
    with jobserver(one) as server:
        child = begin(runner, one, server)
        what = "%s, %d times" % (number.name, times)
        if not runner.find(what, "" if until(lambda: server.here() != TOKENS.decode()) else "took no token"):
            child.kill()
            child.communicate()
            return
        for _ in range(times):
            child.send_signal(number)
            time.sleep(0.5) # two at the same moment are one
        done = end(child)
        codes = (130, 0) if times == 1 else (130,) # all of it may have been in flight
        runner.find(what, "" if done.returncode in codes else "exit %d\n%s" % (done.returncode, done.stderr.decode()),
                    server.lost())


def has_nothing_to_do(runner, one):
    """Tokens that are not used go back while the run waits for its source."""
    one.fill(FILES)
    one.write("pressrun.yaml", MANIFEST.replace("people.jsonl", '{ path: "-", format: jsonl }'))
    with jobserver(one) as server:
        child = begin(runner, one, server, stdin=subprocess.PIPE)
        child.stdin.write(b'{"id": 1, "name": "a"}\n')
        child.stdin.flush()
        took = until(lambda: server.here() != TOKENS.decode())
        back = took and until(lambda: not server.lost())
        runner.find("idle", "" if took else "took no token", "" if back else "keeps what it does not use")
        done = end(child)
        runner.find("idle", "" if done.returncode == 0 else "exit %d" % done.returncode, server.lost())


def is_not_shared(runner, one):
    one.fill(FILES)
    with jobserver(one) as server:
        done = end(begin(runner, one, server, "-j", "2"))
        runner.find("-j", fault.crashed(done), server.lost(), "said a word: " + done.stderr.decode() if done.stderr else "",
                    "" if fault.last_line(done)["workers"] == 2 else "not 2 workers")
        server.handed = ()
        done = end(begin(runner, one, server))
        runner.find("closed descriptors", fault.crashed(done), server.lost(),
                    "" if b'begin it with "+"' in done.stderr else "no word of it: " + done.stderr.decode(),
                    "" if fault.last_line(done)["workers"] == CPUS else "not as many workers as there may be")


def under_make(runner, one):
    """Two runs and some sleepers share make -j3; make itself counts its tokens at the end."""
    one.fill(FILES | {"Makefile": "all: one two s1 s2 s3\n"
                                  "one two:\n\t+@$(PRESSRUN) run --force --json -o out/$@ >$@.json\n"
                                  "s1 s2 s3:\n\t@sleep 0.2\n"
                                  "plain:\n\t@$(PRESSRUN) run --force --json -o out/$@ >$@.json\n"})
    for target, jobs, most in (("all", 3, 3), ("all", 2, 2), ("all", 1, CPUS), ("plain", 3, CPUS)):
        runner.runs += 1
        done = subprocess.run(["make", "-j%d" % jobs, target, "PRESSRUN=" + runner.pressrun], cwd=one.path,
                              env=runner.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=fault.HANGS)
        what = "make -j%d %s" % (jobs, target)
        runner.find(what, "" if done.returncode == 0 else "exit %d\n%s" % (done.returncode, done.stderr.decode()),
                    done.stderr.decode() if b"tokens" in done.stderr else "")
        for name in ("one", "two") if target == "all" else ("plain",):
            report = json.loads((one.path / (name + ".json")).read_text())
            runner.find(what, "" if report["workers"] <= min(most, CPUS) else "%d workers" % report["workers"])
        if target == "plain":
            runner.find(what, "" if re.search(b'begin it with "[+]"', done.stderr) else "no word of it")


def may_not_load(runner, one, digest):
    """Memory is above that whatever happens, so one batch at a time is all there ever is."""
    one.fill(FILES)
    one.write("pressrun.yaml", MANIFEST + "workers: { memory: 0.1% }\n")
    history = one.root / "history"
    done = runner.run(one, "--force", "--history", str(history), command=("run", "-q", "--json", "-j", "4"))
    report = fault.last_line(done)
    shown = runner.run(one, "latest", "--json", "--history", str(history), command=("history",))
    metrics = json.loads(shown.stdout)["metrics"]
    runner.find("no memory", fault.crashed(done), "" if report["digest"] == digest else "another digest",
                "" if report["intake_pauses"] == 1 else "%d pauses" % report["intake_pauses"],
                "" if metrics["queue.peak"] == 1 else "%d batches at once" % metrics["queue.peak"],
                "" if metrics["run.intake_pauses"] == 1 else "the session does not know")


def main():
    runner = fault.Runner(__doc__)
    with fault.case() as one:
        one.fill(FILES)
        digest = fault.last_line(runner.run(one))["digest"]
        may_not_load(runner, one, digest)
        if CPUS < 2:
            runner.notes.append("one CPU: nothing is shared with make")
            return runner.finish()
        for fifo in (False, True):
            runner.find("well", "" if ends_well(runner, one, fifo) == digest else "another digest")
        no_tokens_left(runner, one)
        fails(runner, one)
        for times, number in ((1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM)):
            is_interrupted(runner, one, times, number)
        has_nothing_to_do(runner, one)
        is_not_shared(runner, one)
        under_make(runner, one)
    return runner.finish()


if __name__ == "__main__":
    sys.exit(main())
