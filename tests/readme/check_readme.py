#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_readme.py PRESSRUN README: runs every command of the README's sh blocks, in order, in one shell.

They run in an empty directory that looks like a checkout: build/release/cli/pressrun is the program under test.
`make` commands are checked to exist as targets (make -n) rather than run, since this is run by one of them. The
manifest shown is run too, on records and templates made up here. Links in the page must lead to files.
"""
import os
import re
import subprocess
import sys
import tempfile

RECORDS = """{"id": 1, "country": "fr", "tier": "pro"}
{"id": 2, "country": "de", "tier": "banned"}
"""
TEMPLATES = {"card.j2": "card {{ id }}", "country.md.j2": "{{ group }}: {{ records|length }}", "prompt.j2": "{{ id }}"}


def blocks(text, language):
    return re.findall(r"^```%s\n(.*?)^```" % language, text, re.M | re.S)


def script(text, root):
    lines = ["set -eux"]
    for line in "".join(blocks(text, "sh")).splitlines():
        made = re.match(r"make(\s.*)?$", line)
        lines.append("make -n -C '%s'%s >/dev/null" % (root, made.group(1) or "") if made else line)
    return "\n".join(lines)


def leads_somewhere(root, link):
    """To a file, or with #name to a heading in it."""
    path, _, name = link.partition("#")
    if not os.path.exists(os.path.join(root, path)):
        return False
    with open(os.path.join(root, path), encoding="utf-8") as file:
        headings = re.findall(r"^#+ (.*)", file.read(), re.M) if name else []
    return not name or name in [heading.lower().replace(" ", "-") for heading in headings]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    pressrun, readme = map(os.path.abspath, sys.argv[1:3])
    root = os.path.dirname(readme)
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    if len(text.splitlines()) > 70:
        sys.exit("the README is longer than a screen")
    for link in re.findall(r"\]\(([^):]+)\)", text):
        if not leads_somewhere(root, link):
            sys.exit("a link to nowhere: " + link)
    with tempfile.TemporaryDirectory() as scratch:
        os.makedirs(os.path.join(scratch, "build/release/cli"))
        os.symlink(pressrun, os.path.join(scratch, "build/release/cli/pressrun"))
        subprocess.run(["sh", "-c", script(text, root)], cwd=scratch, check=True)
        assert os.path.exists(os.path.join(scratch, "hello/out/letters/gb/1.txt"))
        assert os.path.exists(os.path.join(scratch, "names/fr/2.txt"))
        example = os.path.join(scratch, "example")
        write(os.path.join(example, "pressrun.yaml"), blocks(text, "yaml")[0])
        write(os.path.join(example, "users.jsonl"), RECORDS)
        for name, body in TEMPLATES.items():
            write(os.path.join(example, "templates", name), body)
        subprocess.run([pressrun, "run", "-C", example], check=True)
        made = sorted(os.path.relpath(os.path.join(d, n), example + "/out") for d, _, ns in os.walk(example + "/out")
                      for n in ns)
        made = [name for name in made if not name.startswith(".pressrun/")]
        assert made == ["cards/fr/1.txt", "de.md", "fr.md", "prompts.jsonl.zst"], made
    return 0


if __name__ == "__main__":
    sys.exit(main())
