#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_ci.py PRESSRUN EXAMPLE ROOT: the CI files of examples/ci are read, and what they run is run, in a repository made of the
example: for a change that changes nothing, one that does more work, and one that makes another output. What they write is read
by those who are to read it."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import yaml

PRESSRUN, EXAMPLE, ROOT = (os.path.abspath(path) for path in sys.argv[1:4])
GITHUB, GITLAB = "github-actions.yml", "gitlab-ci.yml"
MORE = "{% set spare %}{% for part in parts * 40 %}{{ part.name }}{% endfor %}{% endset %}"
CHANGES = {
    "same": (lambda text: text, "INCONCLUSIVE", 4),  # two pairs are too few for anything else
    "more": (lambda text: MORE + text, "FAIL", 3),
    "other": (lambda text: text.replace("EUR", "USD"), "INVALID", 2),
}


def read(name):
    with open(os.path.join(EXAMPLE, name), encoding="utf-8") as file:
        return yaml.safe_load(file)


def steps(job="gate"):
    return read(GITHUB)["jobs"][job]["steps"]


def git(directory, *words):
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *words], cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Repository:
    """A clone in which a change has been made that its origin's main branch does not have."""

    def __init__(self, change):
        self.top = tempfile.TemporaryDirectory(prefix="pressrun-ci-")
        origin, self.path = os.path.join(self.top.name, "origin"), os.path.join(self.top.name, "clone")
        shutil.copytree(EXAMPLE, origin, ignore=shutil.ignore_patterns("out", ".pressrun"))
        git(origin, "init", "-q")
        git(origin, "add", ".")
        git(origin, "commit", "-q", "-m", "as it was")
        git(self.top.name, "clone", "-q", "file://" + origin, self.path)
        template = os.path.join(self.path, "templates", "card.html.j2")
        with open(template, encoding="utf-8") as file:
            text = file.read()
        with open(template, "w", encoding="utf-8") as file:
            file.write(change(text))
        git(self.path, "commit", "-q", "-a", "--allow-empty", "-m", "changed")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.top.cleanup()

    def run(self, script, shell, **variables):
        environment = dict(os.environ, PATH=os.path.dirname(PRESSRUN) + ":" + os.environ["PATH"], GATE_OPTIONS="--pairs 2",
                           PRESSRUN_HISTORY="none", **variables)
        return subprocess.run(shell + ["-c", script], cwd=self.path, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)

    def read(self, name):
        with open(os.path.join(self.path, name), encoding="utf-8") as file:
            return file.read()


class Files(unittest.TestCase):
    def test_github(self):
        document = read(GITHUB)
        self.assertEqual(document["permissions"], {"contents": "read"})
        self.assertIn("pull_request", document[True])  # `on` is true in YAML 1.1
        for step in steps() + steps("upgrade"):
            self.assertEqual(len({"run", "uses"} & set(step)), 1, step)
            if "uses" in step:
                self.assertRegex(step["uses"], r"^[\w-]+/[\w-]+@v\d+$")

    def test_install(self):
        """What is called in pressrun's own sources is there."""
        script, again = (next(step["run"] for step in steps(job) if step.get("name") == "pressrun") for job in ("gate", "upgrade"))
        self.assertEqual(script, again)
        self.assertTrue(os.access(os.path.join(ROOT, "scripts", "install-packages"), os.X_OK))
        with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
            makefile = file.read()
        self.assertIn("scripts/install-packages build\nmake release\n", script)
        self.assertRegex(makefile, r"(?m)^release:")
        program = re.search(r"(?m)^PRESSRUN := (.*)/pressrun$", makefile).group(1)
        self.assertIn("$PWD/%s\"" % program, script)

    def test_gitlab(self):
        for job in read(GITLAB).values():
            self.assertEqual(job["allow_failure"], {"exit_codes": [4]})
            written = re.findall(r"--write \w+:(\S+)", " ".join(job["script"]))
            self.assertEqual(sorted(written), sorted(job["artifacts"]["paths"] + [job["artifacts"]["reports"]["junit"]]))


class Runs(unittest.TestCase):
    def check_files(self, repository, verdict, failures, errors, skipped):
        suites = ElementTree.fromstring(repository.read("gate.xml"))
        self.assertEqual([int(suites.get(key)) for key in ("failures", "errors")], [failures, errors])
        self.assertGreaterEqual(int(suites.get("skipped")), skipped)
        self.assertEqual(int(suites.get("tests")), len(suites.findall("testsuite/testcase")))
        document = json.loads(repository.read("gate.json"))
        self.assertEqual(document["verdict"], verdict)
        again = repository.run("pressrun gate --replay gate.json --format markdown", ["sh", "-e"])
        self.assertTrue(again.stdout.startswith("## %s: " % verdict), again.stdout + again.stderr)
        self.assertEqual(again.stderr, "")
        return again.stdout

    def test_github(self):
        for name, (change, verdict, code) in CHANGES.items():
            with self.subTest(name), Repository(change) as repository:
                summary = os.path.join(repository.top.name, "summary.md")
                variables = {"GITHUB_STEP_SUMMARY": summary, "GITHUB_BASE_REF": "main", "GITHUB_REF_NAME": "7/merge"}
                for step in steps():
                    if "run" not in step or step["name"] == "pressrun":
                        continue
                    done = repository.run(step["run"], ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"], **variables)
                    if step["name"] != "Gate":
                        self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.returncode, 0 if code == 4 else code, done.stdout + done.stderr)
                lines = done.stdout.splitlines()
                first = next(line for line in lines if line.startswith("::"))
                self.assertTrue(first.startswith("::%s title=pressrun gate::%s: " % ("warning" if code == 4 else "error", verdict)))
                with open(summary, encoding="utf-8") as file:
                    self.assertEqual(file.read(), self.check_files(repository, verdict, code == 3, code == 2, code == 4))
                chart = json.loads(repository.read("gate-chart.json"))
                self.assertTrue(all({"name", "unit", "value"} <= set(entry) for entry in chart))
                self.assertEqual(len(chart), 1 if code == 4 else 0)

    def test_gitlab(self):
        for name, (change, verdict, code) in CHANGES.items():
            with self.subTest(name), Repository(change) as repository:
                script = "\n".join(read(GITLAB)["gate"]["script"])
                done = repository.run(script, ["bash", "-e"], CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn("\n%s  " % verdict, "\n" + done.stdout)
                self.assertEqual(repository.read("gate.md"),
                                 self.check_files(repository, verdict, code == 3, code == 2, code == 4))

    def test_upgrade(self):
        """The first time there is only something to keep; then it is compared with, and stays where the verdict is none."""
        github = next(step["run"] for step in steps("upgrade") if step.get("name") == "Gate")
        scripts = {"github": (github, 0), "gitlab": ("\n".join(read(GITLAB)["upgrade"]["script"]), 4)}
        for name, (script, code) in scripts.items():
            with self.subTest(name), Repository(CHANGES["same"][0]) as repository:
                summary = os.path.join(repository.top.name, "summary.md")
                capsule = os.path.join(repository.path, "baseline.capsule")
                done = repository.run(script, ["bash", "-e", "-o", "pipefail"], GITHUB_STEP_SUMMARY=summary)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                before = os.stat(capsule)
                done = repository.run(script, ["bash", "-e", "-o", "pipefail"], GITHUB_STEP_SUMMARY=summary)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn("INCONCLUSIVE: " if name == "github" else "INCONCLUSIVE  ", done.stdout)
                self.assertEqual(os.stat(capsule).st_mtime_ns, before.st_mtime_ns)
                document = json.loads(repository.read("gate.json"))
                self.assertRegex(document["baseline"]["capsule"], r"^[0-9a-f]{32}$")
                self.assertEqual([row["name"] for row in document["rows"]][:2], ["catalogue", "prompts"])

    @unittest.skipUnless(shutil.which("cmark-gfm"), "there is no cmark-gfm here")
    def test_markdown(self):
        """GitHub's Markdown, as its own program reads it: a table, nothing of a row that is markup."""
        with Repository(CHANGES["more"][0]) as repository:
            git(repository.path, "worktree", "add", "base", "HEAD~1")
            done = repository.run("pressrun gate --baseline base/pressrun.yaml --candidate pressrun.yaml --format markdown",
                                  ["bash"])
        html = subprocess.run(["cmark-gfm", "-e", "table", "-e", "autolink", "--unsafe"], input=done.stdout,
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn("<h2>FAIL: ", html)
        self.assertIn("<td><strong>FAIL</strong></td>", html)
        self.assertNotIn("<a ", html)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
