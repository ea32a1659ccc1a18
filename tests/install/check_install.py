#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/install-packages on made-up machines: what it installs, and when it refuses. Nothing is installed."""
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LIST = "# comment\n[build]\ngcc\ncmake\n\n[demo]\niso-codes\n[test]\npython3"  # no newline at the end
INSTALL = "apt-get -qq -y --no-install-recommends install "


class Install(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="pressrun-install-")
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("bin", "scripts"):
            os.mkdir(os.path.join(self.root, folder))
        shutil.copy(os.path.join(ROOT, "scripts", "install-packages"), os.path.join(self.root, "scripts"))
        with open(os.path.join(self.root, "packages.txt"), "w", encoding="utf-8") as f:
            f.write(LIST)
        for tool in ("sh", "dirname", "grep", "env"):
            os.symlink(shutil.which(tool), os.path.join(self.root, "bin", tool))

    def fake(self, name, script):
        path = os.path.join(self.root, "bin", name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + script + "\n")
        os.chmod(path, stat.S_IRWXU)

    def machine(self, installed=(), user=0, sudo=None, apt=0):
        """A machine that has these packages, this user, sudo and apt-get with these exit codes (None: not there)."""
        cases = "".join("%s) echo 'install ok installed';; " % package for package in installed)
        self.fake("dpkg-query", 'for name; do :; done; case $name in %sold) echo "deinstall ok config-files";; '
                  "*) exit 1;; esac" % cases)
        self.fake("id", "echo %d" % user)
        if apt is not None:
            self.fake("apt-get", 'echo "apt-get $*" >>"%s/log"; exit %d' % (self.root, apt))
        if sudo is not None:
            self.fake("sudo", '[ %d = 0 ] || exit 1; echo "sudo $*" >>"%s/log"; shift; "$@"' % (sudo, self.root))

    def run_it(self, *sections):
        done = subprocess.run([os.path.join(self.root, "scripts", "install-packages"), *sections],
                              env={"PATH": os.path.join(self.root, "bin")}, capture_output=True, text=True)
        log = os.path.join(self.root, "log")
        calls = []
        if os.path.exists(log):
            with open(log, encoding="utf-8") as f:
                calls = f.read().splitlines()
        return done.returncode, done.stdout, done.stderr, calls

    def test_nothing_missing_is_silent(self):
        self.machine(installed=["gcc", "cmake", "iso-codes"])
        self.assertEqual(self.run_it("build", "demo"), (0, "", "", []))

    def test_installs_what_is_missing_and_says_so(self):
        self.machine(installed=["gcc"])
        code, out, _, calls = self.run_it("build", "test")
        self.assertEqual(code, 0)
        self.assertEqual(out, "Installing what is missing: cmake python3\n")
        self.assertEqual(calls, ["apt-get -qq update", INSTALL + "cmake python3"])

    def test_without_root_lists_and_exits_2(self):
        self.machine(user=1000)
        code, out, err, calls = self.run_it("build", "demo")
        self.assertEqual((code, out, calls), (2, "", []))
        self.assertIn("needs root. Missing:\n    gcc\n    cmake\n    iso-codes\n", err)

    def test_sudo_that_asks_for_a_password_is_none(self):
        self.machine(user=1000, sudo=1)
        self.assertEqual(self.run_it("demo")[0], 2)

    def test_sudo_without_a_password_is_used(self):
        self.machine(user=1000, sudo=0)
        code, _, _, calls = self.run_it("demo")
        self.assertEqual(code, 0)
        self.assertIn(INSTALL + "iso-codes", calls)
        self.assertTrue(calls[0].startswith("sudo -n "))

    def test_without_apt_lists_and_exits_2(self):
        self.machine(apt=None)
        code, _, err, _ = self.run_it("demo")
        self.assertEqual(code, 2)
        self.assertIn("there is no apt-get here. Missing:\n    iso-codes\n", err)

    def test_apt_that_fails_exits_2(self):
        self.machine(apt=100)
        code, _, err, calls = self.run_it("demo")
        self.assertEqual((code, calls), (2, ["apt-get -qq update"]))
        self.assertIn("apt-get update failed", err)

    def test_unknown_section_and_none(self):
        self.machine()
        self.assertEqual(self.run_it("buidl")[0], 2)
        self.assertEqual(self.run_it()[0], 2)


if __name__ == "__main__":
    unittest.main()
