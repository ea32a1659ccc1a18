# SPDX-License-Identifier: MIT
"""What the fault tests share: a scratch place whose surroundings are watched, runs, faults at a system call, findings.

PRESSRUN_FAULT_ALL=1 tries every system call where as a rule a sample is tried.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import support  # noqa: E402  (beside this folder, not in it)

SKIPPED = 77
CANNOT_TRACE = 125
KILLED = 137
SANITIZER = 99  # exit code of a program that a sanitizer stopped; its own are never that
ALL = os.environ.get("PRESSRUN_FAULT_ALL", "") not in ("", "0")
HANGS = 120  # seconds; nothing takes a tenth of them, sanitizers and a loaded machine included
TEMPORARY = ".pressrun-tmp"


class Case:
    """A directory with a case in it, and something beside it; only what is beneath case/out may change."""

    def __init__(self):
        home = None if os.environ.get("TMPDIR") or not os.access("/dev/shm", os.W_OK) else "/dev/shm"
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="pressrun-fault-", dir=home))
        self.path = self.root / "case"
        self.out = self.path / "out"
        self.path.mkdir()
        self.before = {}
        for name in ("up.txt", "beside/file.txt", "beside/out/file.txt", "etc/absolute.txt"):
            self.write("../" + name, "nobody's business\n")

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def fill(self, files):
        for name, text in files.items():
            self.write(name, text)
        self.seal()

    def seal(self):
        """What there is now, but for the outputs, is what there must be at the end."""
        self.before = tree(self.root, self.out)

    def strayed(self):
        """What has changed outside the output directory, as text."""
        after = tree(self.root, self.out)
        return ["outside the output directory: %s %s" % (
            path, "is new" if path not in self.before else "is gone" if path not in after else "has changed")
            for path in sorted(set(after) | set(self.before)) if after.get(path) != self.before.get(path)]

    def outputs(self):
        """{path: bytes} of what was put out; without what pressrun keeps for itself."""
        return {path: what[1] for path, what in tree(self.out).items()
                if what[0] == "file" and not path.startswith(".pressrun/")}

    def journal(self):
        return self.out / ".pressrun" / "journal"

    def temporaries(self):
        return sorted(path for path in (tree(self.out)) if path.endswith(TEMPORARY))

    def restore(self, outputs):
        """Makes the output directory hold just these files."""
        shutil.rmtree(self.out, ignore_errors=True)
        made = set()
        for name, data in outputs.items():
            path = os.path.join(self.out, name)
            parent = os.path.dirname(path)
            if parent not in made:
                os.makedirs(parent, exist_ok=True)
                made.add(parent)
            with open(path, "wb") as f:
                f.write(data)

    def failures(self):
        """The lines of errors.jsonl that are about a record, and not about a whole job."""
        try:
            text = (self.out / ".pressrun" / "errors.jsonl").read_text()
        except FileNotFoundError:
            return []
        return [failure for failure in map(json.loads, text.splitlines()) if "record" in failure]

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


@contextlib.contextmanager
def case(files=None):
    one = Case()
    try:
        one.fill(files or {})
        yield one
    finally:
        one.remove()


def tree(root, without=None):
    """{path beneath root: (kind, content)}; links are not followed. Empty where there is no such directory."""
    found = {}
    todo = [str(root)] if os.path.isdir(root) else []
    while todo:
        for entry in os.scandir(todo.pop()):
            if without is not None and entry.path == str(without):
                continue
            name = os.path.relpath(entry.path, root)
            if entry.is_symlink():
                found[name] = ("link", os.readlink(entry.path))
            elif entry.is_dir():
                found[name] = ("directory", None)
                todo.append(entry.path)
            elif entry.is_file():
                with open(entry.path, "rb") as f:
                    found[name] = ("file", f.read())
            else:
                found[name] = ("special", stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode))
    return found


class Runner:
    """pressrun, as the tests call it; and what they found."""

    def __init__(self, doc):
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--pressrun", default=support.default_pressrun())
        parser.add_argument("--at-call", default=os.environ.get("PRESSRUN_AT_CALL", ""))
        parser.add_argument("--cache-crowd", default="", help="the program of that name in tests/support")
        parser.add_argument("--sanitize", default="", help="the sanitizers pressrun is built with")
        parser.add_argument("only", nargs="*", help="the parts of this test that are to run")
        arguments = parser.parse_args()
        self.pressrun = os.path.abspath(arguments.pressrun)
        self.at_call = os.path.abspath(arguments.at_call) if arguments.at_call else ""
        self.cache_crowd = os.path.abspath(arguments.cache_crowd)
        self.sanitize = arguments.sanitize
        self.only = arguments.only
        self.runs = 0
        self.findings = []
        self.notes = []
        if not os.access(self.pressrun, os.X_OK):
            raise SystemExit("there is no %s: build it first" % self.pressrun)

    def environment(self, **more):
        def options(name, text):
            return ":".join(filter(None, (os.environ.get(name), text)))
        stop = "exitcode=%d" % SANITIZER
        return support.environment(ASAN_OPTIONS=options("ASAN_OPTIONS", stop + ":detect_leaks=0"),
                                   UBSAN_OPTIONS=options("UBSAN_OPTIONS", stop + ":print_stacktrace=1"),
                                   TSAN_OPTIONS=options("TSAN_OPTIONS", stop), **more)

    def run(self, one, *arguments, command=("run", "-q", "--json", "-j", "1"), before=(), **more):
        """Runs pressrun in a case; what it prints and its exit code. `before` comes before its name."""
        self.runs += 1
        options = {"stdin": subprocess.DEVNULL, "timeout": HANGS} | more
        try:
            return subprocess.run([*before, self.pressrun, *command, *arguments], cwd=one.path, env=self.environment(),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        except subprocess.TimeoutExpired as hung:
            return subprocess.CompletedProcess(hung.cmd, -9, hung.stdout or b"",
                                               b"hung for %d seconds\n" % options["timeout"] + (hung.stderr or b""))

    def at(self, one, n, *what, calls="all", source="pressrun.yaml", on=None, arguments=(), **more):
        """A run with something done at its n-th call, `on` such files; its result, and what at_call reports."""
        report = one.root.parent / (one.root.name + ".report")
        before = [self.at_call, "--files", "--calls", calls, "--report", report, *(["--from", source] if source else []), *(["--on", on] if on else []),
                  *(["--at", str(n)] if n else []), *what, "--"]
        try:
            done = self.run(one, *arguments, before=before, **more)
            if done.returncode == CANNOT_TRACE:
                raise SystemExit(done.stderr.decode())
            return done, json.loads(report.read_text())
        finally:
            report.unlink(missing_ok=True)

    def can_trace(self):
        if not self.at_call:
            return False
        done = subprocess.run([self.at_call, "--", "true"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=HANGS)
        print(done.stderr.decode(), end="")
        return done.returncode == 0

    def find(self, what, *wrong):
        """Keeps what is wrong, if anything is; whether it is well."""
        for text in wrong:
            if text:
                self.findings.append("%s: %s" % (what, text))
        return not any(wrong)

    def finish(self, more=""):
        sweep_shared_memory()
        for finding in self.findings[:50]:
            print("FAILED", finding)
        for note in self.notes:
            print("note:", note)
        print("%d runs, %d findings%s" % (self.runs, len(self.findings), more))
        return 1 if self.findings or not self.runs else 0


def sweep_shared_memory():
    """clang's OpenMP runtime leaves a file behind where it is killed."""
    for path in pathlib.Path("/dev/shm").glob("__KMP_REGISTERED_LIB_*"):
        process = path.name.split("_")[-2]
        try:
            if path.stat().st_uid == os.geteuid() and process.isdigit() and not os.path.exists("/proc/" + process):
                path.unlink()
        except FileNotFoundError:
            pass  # a run that ended meanwhile took its own away


def crashed(done, killed=False):
    """What is wrong with how a run ended, whatever it was given; empty: nothing."""
    text = done.stderr.decode("utf-8", "replace")
    if "Sanitizer" in text or "runtime error:" in text or done.returncode == SANITIZER:
        return "a sanitizer stopped it:\n" + text[:3000]
    if done.returncode in (0, 1, 2) or (killed and done.returncode == KILLED):
        return ""
    return "exit %d\n%s" % (done.returncode, text[:1000])


def unexplained(done):
    """A failure must be told of."""
    return "" if done.returncode == 0 or done.stderr.strip() else "exit %d, and not a word" % done.returncode


def sanitizer_free(runner, what):
    """Whether a part that limits memory can run: sanitizers reserve terabytes of addresses."""
    if runner.sanitize:
        runner.notes.append("skipped under %s: %s" % (runner.sanitize, what))
    return not runner.sanitize


def sample(total, few, seed=1):
    """Which of the calls 1..total are tried: all of them, or a third of `few`, one from each stretch of equal length."""
    if ALL or total <= few:
        return list(range(1, total + 1))
    few = (few + 2) // 3
    choice = random.Random(seed)
    edges = [1 + total * i // few for i in range(few + 1)]
    return [choice.randrange(a, b) for a, b in zip(edges, edges[1:])]


def last_line(done):
    """The object that --json prints last."""
    return json.loads(done.stdout.decode().strip().split("\n")[-1])
