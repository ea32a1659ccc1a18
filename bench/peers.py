# SPDX-License-Identifier: MIT
"""The table of peers: one row each, with how to find or build it and which workloads it can do.

To add one: a driver in peers/ that takes MODE TEMPLATE_DIR TEMPLATE RECORDS OUT (node_driver.js says what the modes
are), a row in PEERS, and its Debian package in packages.txt or its npm package in peers/package.json.
"""
import functools
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = os.path.join(HERE, "peers")
TEMPLATES = os.path.join(HERE, "templates")
WARNINGS = ["-Wall", "-Wextra", "-O2"]


class Missing(Exception):
    """What a peer needs and is not there; the text says what to install."""


class Tools:
    """Builds and fetches what the peers need, below one directory, which is kept for the next time."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    @functools.lru_cache(maxsize=None)
    def compiled(self, source, *libraries, needs=""):
        """Path of the program made from peers/SOURCE."""
        compiler = shutil.which("g++" if source.endswith(".cpp") else "cc")
        if not compiler:
            raise Missing("apt-get install g++" if source.endswith(".cpp") else "apt-get install gcc libc6-dev")
        out = os.path.join(self.directory, os.path.splitext(source)[0])
        standard = ["-std=c++17"] if source.endswith(".cpp") else ["-std=gnu11", "-D_GNU_SOURCE"]
        done = subprocess.run([compiler] + standard + WARNINGS + ["-o", out, os.path.join(DRIVERS, source)] +
                              ["-l" + library for library in libraries], capture_output=True)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")
            if needs and ("No such file" in said or "cannot find" in said):
                raise Missing("apt-get install " + needs)
            raise Missing("does not compile: " + said.strip().split("\n")[-1])
        return out

    @functools.lru_cache(maxsize=None)
    def node_modules(self):
        """The directory of the npm packages that peers/package.json names, installed if they are not there."""
        if not shutil.which("node"):
            raise Missing("apt-get install nodejs npm")
        wanted, here = os.path.join(DRIVERS, "package.json"), os.path.join(self.directory, "package.json")
        modules = os.path.join(self.directory, "node_modules")
        installed = os.path.join(self.directory, "installed.json")
        with open(wanted, encoding="utf-8") as file:
            text = file.read()
        if not os.path.exists(installed) or open(installed, encoding="utf-8").read() != text:
            if not shutil.which("npm"):
                raise Missing("apt-get install npm")
            shutil.copyfile(wanted, here)
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"],
                                  cwd=self.directory, capture_output=True)
            if done.returncode:
                raise Missing("npm install failed in %s" % os.path.relpath(self.directory))
            shutil.copyfile(wanted, installed)
        return modules


def debian_version(package):
    """Upstream's, as Debian has it here; "" where the package is not installed."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True)
    version = done.stdout.decode().split(":")[-1] if done.returncode == 0 else ""
    return re.split(r"[-+~]", version)[0]


def npm_version(package):
    with open(os.path.join(DRIVERS, "package.json"), encoding="utf-8") as file:
        return json.load(file)["dependencies"][package]


@dataclass(frozen=True)
class Peer:
    key: str  # as --peers names it
    name: str
    language: str
    package: str  # Debian's, or npm's if the language is JS
    view: bool  # wants the fields computed beforehand, as Mustache-like engines do
    templates: dict  # workload: template
    large: bool = False  # fast, with a start or a warm-up to hide: gets the 100,000 records

    @property
    def title(self):
        version = npm_version(self.package) if "JS" in self.language else debian_version(self.package)
        return "%s (%s)" % (" ".join([self.name, version]).strip(), self.language)

    def prepare(self, tools):
        """(command, environment), to which MODE TEMPLATE_DIR TEMPLATE RECORDS OUT are added. Missing."""
        return PREPARE[self.language](self, tools)


def prepare_python(peer, _):
    # Debian's modules are Debian's interpreter's, whichever comes first in PATH.
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import jinja2"], stderr=subprocess.DEVNULL).returncode:
        raise Missing("apt-get install %s" % peer.package)
    return [python, os.path.join(DRIVERS, "jinja2_driver.py")], None


def prepare_node(peer, tools):
    modules = tools.node_modules()
    return ["node", os.path.join(DRIVERS, "node_driver.js"), peer.key], {"NODE_PATH": modules}


def prepare_ruby(peer, _):
    engine = peer.key.replace("ruby-", "")
    done = subprocess.run(["ruby", "-e", "require '%s'" % engine], stderr=subprocess.DEVNULL) \
        if shutil.which("ruby") else None
    if not done or done.returncode:
        raise Missing("apt-get install ruby " + peer.package)
    return ["ruby", os.path.join(DRIVERS, "ruby_driver.rb"), engine], None


def prepare_cpp(peer, tools):
    libraries = ("ctemplate", "pthread") if peer.key == "ctemplate" else ()
    return [tools.compiled(peer.key + "_driver.cpp", *libraries, needs="g++ rapidjson-dev " + peer.package)], None


PREPARE = {"Python": prepare_python, "JS": prepare_node, "Wasm in JS": prepare_node, "Ruby": prepare_ruby,
           "C++": prepare_cpp}

JINJA = {"w1": "prompt.j2", "w2": "model.ts.j2", "w3": "bigpage.html"}
MUSTACHE = {"w1": "prompt.mustache", "w2": "model.mustache", "w3": "bigpage.mustache"}

PEERS = [
    Peer("jinja2", "Jinja2", "Python", "python3-jinja2", False, JINJA, large=True),
    Peer("nunjucks", "nunjucks", "JS", "nunjucks", False, JINJA, large=True),
    Peer("minijinja-js", "minijinja", "Wasm in JS", "minijinja-js", False, JINJA),
    Peer("hfjinja", "@huggingface/jinja", "JS", "@huggingface/jinja", False,
         {"w1": "prompt.j2", "w2": "model.ts.j2"}),  # it does not escape
    Peer("ctemplate", "ctemplate", "C++", "libctemplate-dev", True,
         {"w1": "prompt.tpl", "w2": "model.tpl", "w3": "bigpage.tpl"}),
    Peer("kainjow", "kainjow mustache", "C++", "libkainjow-mustache-dev", True,
         {"w1": "prompt.tpl", "w2": "model.tpl", "w3": "bigpage.mustache"}),
    Peer("wontache", "wontache", "JS", "wontache", True, MUSTACHE, large=True),
    Peer("mustache", "mustache.js", "JS", "mustache", True, MUSTACHE, large=True),
    Peer("handlebars", "handlebars", "JS", "handlebars", True,
         {"w1": "prompt.hbs", "w2": "model.hbs", "w3": "bigpage.hbs"}, large=True),
    Peer("ruby-mustache", "ruby-mustache", "Ruby", "ruby-mustache", True, MUSTACHE),
    Peer("ruby-liquid", "ruby-liquid", "Ruby", "ruby-liquid", False, {"w1": "prompt.liquid"}),
]

# Known, and provided neither by Debian 12 nor by npm.
UNAVAILABLE = ["inja (C++)", "minijinja (Rust, native)"]
