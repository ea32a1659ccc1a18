#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_prompts.py PRESSRUN EXAMPLE: runs the prompts example and holds its outputs against what the same sentences give
when Python puts them together; changes rows of its database, and looks what is made again."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile


def run(pressrun, example, *words):
    return subprocess.run([pressrun, *words, "-C", example], capture_output=True, text=True)


def made(pressrun, example):
    done = run(pressrun, example, "run", "--json", "-j2")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])["rendered"]


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def change(example, prompt, old, new):
    with sqlite3.connect(os.path.join(example, "prompts.db")) as db:
        done = db.execute("UPDATE prompts SET content = replace(content, ?, ?) WHERE id = ?", (old, new, prompt))
        assert done.rowcount == 1
    db.close()


def rules(ticket):
    gold = " The customer is a gold customer: offer a call." if ticket["tier"] == "gold" else ""
    return "You answer for Example Tools. Be brief, be friendly, and promise nothing." + gold + "\n"


def answer(ticket):
    task = ("Write an answer to this ticket. The product is %s.\n" % ticket["product"] if ticket["kind"] == "answer"
            else "Explain to the team why ticket %d cannot wait.\n" % ticket["id"])
    return rules(ticket) + task + "---\n" + ticket["text"] + "\n"


def check_outputs(example):
    tickets = [json.loads(line) for line in read(example, "tickets.jsonl").splitlines()]
    answers = [json.loads(line) for line in read(example, "out", "answers.jsonl").splitlines()]
    assert answers == [answer(ticket) for ticket in tickets], answers
    for ticket in tickets:
        name, text = "%d.txt" % ticket["id"], ticket["text"]
        assert read(example, "out", "summaries", name) == (
            rules(ticket) + "Sum up this ticket in one sentence of at most 20 words.\n---\n" + text + "\n")
        assert read(example, "out", "labels", name) == (
            "Which of these labels fit?\n- safety (somebody could be hurt)\n- spare part\n- question\n---\n" + text + "\n")
        words = read(example, "out", "translations", name).split()
        assert words == ("Translate the text below into %s. Keep names as they are. Say \"you\", not \"the user\". --- %s"
                         % (ticket["language"], text)).split(), words
    return len(tickets)


def check_database(example):
    """What is committed as a database is what is committed as SQL."""
    with sqlite3.connect(":memory:") as fresh:
        fresh.executescript(read(example, "prompts.sql"))
        kept = sqlite3.connect(os.path.join(example, "prompts.db"))
        assert list(kept.iterdump()) == list(fresh.iterdump())
        kept.close()
    fresh.close()


def main():
    pressrun, original = map(os.path.abspath, sys.argv[1:3])
    check_database(original)
    with tempfile.TemporaryDirectory() as folder:
        example = os.path.join(folder, "prompts")
        shutil.copytree(original, example, ignore=shutil.ignore_patterns("out"))
        assert run(pressrun, example, "check").returncode == 0
        assert made(pressrun, example) == 20
        n = check_outputs(example)
        assert made(pressrun, example) == 0
        # Of the stream it is not known which row a ticket chooses, so it is made for any.
        change(example, "quote", "---", "===")
        assert made(pressrun, example) == 2 * n
        assert "===" in read(example, "out", "labels", "101.txt")
        why = run(pressrun, example, "why", "labels/101.txt").stdout
        assert "template quote changed" in why, why
        change(example, "summary", "{{ words", "{{ wrds")
        done = run(pressrun, example, "check")
        assert "prompts.db:summary:3:50: warning: " in done.stderr, done.stderr
    print("20 outputs of 8 prompts, all as expected")


if __name__ == "__main__":
    main()
