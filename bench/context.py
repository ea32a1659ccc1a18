# SPDX-License-Identifier: MIT
"""What all groups of comparisons share: where programs run, which peers are ready, who was left out and why."""
import json
import os
import re
import shutil

import measure
import peers
import workloads
from measure import Failed
from workloads import WORKLOADS


class Bench:
    """The machine, the tools, pressrun, the peers, and what is to be said before any time is."""

    def __init__(self, machine, tools, pressrun, quick, chosen):
        self.machine, self.tools, self.pressrun, self.quick = machine, tools, pressrun, quick
        self.chosen = chosen  # keys of peers, or None: all
        self.ready = {}       # key: (command, environment)
        self.missing = {}     # name: what to install
        self.left_out = []    # why a peer has no time
        self.checked = []     # what was found equal
        self.hugo_is_right = False

    def wants(self, key):
        return self.chosen is None or key in self.chosen

    def prepare(self):
        for peer in peers.PEERS:
            if self.wants(peer.key):
                try:
                    self.ready[peer.key] = peer.prepare(self.tools)
                except peers.Missing as missing:
                    self.missing[peer.title] = str(missing)

    def has(self, key, program, package):
        """A tool that is a program of its own."""
        if self.wants(key) and not shutil.which(program):
            self.missing[program] = "apt-get install " + package
        return self.wants(key) and shutil.which(program) is not None

    def compiled(self, key, source, *libraries, needs=""):
        """Path of a bare loop, or None."""
        try:
            return self.tools.compiled(source, *libraries, needs=needs) if self.wants(key) else None
        except peers.Missing as missing:
            self.missing[os.path.splitext(source)[0]] = str(missing)
            return None

    def records(self, large):
        """Which of W1's sets to time: the large one, or the small one for who is slow or has no start to hide."""
        return "records" if large and not self.quick else "records_10k"

    def ours(self, manifest, out, workers=1, options=()):
        run = self.machine.run([self.pressrun, "run", "-q", "--json", "-j", str(workers), "-o", out, "-f", manifest]
                               + list(options), cpus=min(workers, len(self.machine.cpus)))
        run.report = json.loads(run.out.strip().split("\n")[-1])
        return run

    def theirs(self, peer, mode, workload, records, out):
        command, environment = self.ready[peer.key]
        path = workloads.records_path(self.machine.scratch, records, peer.view)
        return self.machine.run(command + [mode, workloads.TEMPLATES, peer.templates[workload], path, out],
                                env=environment)

    def hugo(self):
        """Argument list that builds the site of W1's smaller set; the output directory is to be added. None where
        Hugo is not there, or writes other bytes."""
        if not self.has("hugo", "hugo", "hugo"):
            return None
        site, name = self.machine.path("hugo"), hugo_title()
        command = ["hugo", "--quiet", "--noBuildLock", "-s", site, "-d"]
        if not os.path.exists(site):
            workloads.hugo_site(site, self.machine.path("records_10k.jsonl"))

            def action(out):
                self.machine.run(command + [out])
                return self.expect(name, out, WORKLOADS["w1"].hash, "W1, one file each")
            self.hugo_is_right = self.try_peer(name, "W1, one file each", action)
        return command if self.hugo_is_right else None

    def expect(self, who, path, digest, what):
        """Whether the bytes are the expected ones; remembered if not."""
        if measure.sha256_of(path) == digest:
            return True
        self.left_out.append("%s: other bytes on %s" % (who, what))
        return False

    def try_peer(self, who, what, action):
        """Runs a peer's check in a directory of its own; a peer that fails is left out, and named."""
        out = self.machine.fresh()
        measure.progress("checking %s: %s" % (what, who))
        try:
            return action(out)
        except Failed as failed:
            self.left_out.append("%s: fails on %s (%s)" % (who, what, str(failed).split("error: ")[-1]))
            return False
        finally:
            self.machine.drop(out)


def hugo_title():
    return "Hugo %s (Go)" % peers.debian_version("hugo")


def seconds_said(run):
    return float(re.search(r"records ([\d.]+) s", run.out).group(1))


def named(count):
    return "{:,}".format(count)
