# SPDX-License-Identifier: MIT
"""What is rendered: W1 to W3 of gen.py, and what other comparisons need made from them (a Hugo site, trees for ninja
and make, rows as CSV and SQLite). Everything is the same every time."""
import csv
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TEMPLATES = os.path.join(HERE, "templates")
JINJA = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
COLUMNS = ["id", "name", "email", "city", "amount", "quantity", "active", "note"]


class Workload:
    """`check` and `timed` are files of records, without _view and .jsonl; `hash` is of all outputs of `check`."""

    def __init__(self, title, unit, template, output, check, timed, digest):
        self.title, self.unit, self.template, self.output = title, unit, template, output
        self.check, self.timed, self.hash = check, timed, digest


WORKLOADS = {
    "w1": Workload("W1: support prompts of 1.4 KB from records of 1.0 KB", "record", "prompt.j2", "prompts.txt",
                   "records_10k", "records", "6f0465c3851ea3ffcd84af1072816f72350a11a329a909ecdd3acb0cb870928e"),
    "w2": Workload("W2: TypeScript classes of 3.6 KB from table schemas", "class", "model.ts.j2", "models.txt",
                   "models", "models_many", "015d545637bf9069d1af5f47b25e89fa91c8c370acc238320a8895f4ab78b3a8"),
    "w3": Workload("W3: one page of 8.7 MB from one record of 50,000 rows, escaped", "page", "bigpage.html",
                   "page.html", "bigpage", "bigpage",
                   "ed7a0a0183fed1285651b33b9ba8706bb82fc1f9fce07869d62be0fb1cc14ddf"),
}
COUNTS = {"records": 100000, "records_10k": 10000, "models": 200, "models_many": 4000, "bigpage": 1}


def generate(directory):
    """gen.py's files, and the models twenty times over: one pass is too short to measure."""
    subprocess.run([sys.executable, os.path.join(HERE, "gen.py"), directory], check=True)
    for view in ("", "_view"):
        repeat(os.path.join(directory, "models%s.jsonl" % view), 20,
               os.path.join(directory, "models_many%s.jsonl" % view))


def generate_records(directory, count):
    """The first `count` records of W1 and nothing else."""
    subprocess.run([sys.executable, os.path.join(HERE, "gen.py"), directory, str(count)], check=True)


def repeat(path, times, out):
    with open(path, "rb") as file:
        text = file.read()
    with open(out, "wb") as file:
        for _ in range(times):
            file.write(text)


WORDS = ("the a my your order invoice account page button screen report größer file server key token naïve value "
         "Straße 東京 привет").split()
UNREAD_BYTES = 5000


def unread_text(random_, words, size):
    text = ""
    while len(text.encode()) < size:
        text += random_.choice(words) + " "
    return {"text": text}


def unread_mixed(random_, words, size):
    """A quarter each: ASCII, other letters, a list of objects, numbers."""
    ascii_words = [word for word in words if word.isascii()]
    fields = {"bio": unread_text(random_, ascii_words, size // 4)["text"],
              "notes": unread_text(random_, words, size // 4)["text"], "log": [], "vector": []}
    while len(json.dumps(fields["log"])) < size // 4:
        fields["log"].append({"at": 1700000000 + random_.randrange(10**7), "ok": True, "note": None,
                              "by": {"id": random_.randrange(1000), "name": random_.choice(ascii_words)}})
    while len(json.dumps(fields["vector"])) < size // 4:
        fields["vector"].append(round(random_.random(), 6))
    return fields


UNREAD = {"text": unread_text, "mixed": unread_mixed}


def write_unread(directory, records, kind):
    """The records with UNREAD_BYTES of fields added to each that no template of W1 reads; the name of the file."""
    random_, name = random.Random(5), "%s_unread_%s" % (records, kind)
    with open(os.path.join(directory, records + ".jsonl"), encoding="utf-8") as source, \
            open(os.path.join(directory, name + ".jsonl"), "w", encoding="utf-8") as out:
        for line in source:
            fields = {"unread_" + key: value for key, value in UNREAD[kind](random_, WORDS, UNREAD_BYTES).items()}
            out.write(line.rstrip("\n")[:-1] + "," + json.dumps(fields, ensure_ascii=False, separators=(",", ":"))[1:])
            out.write("\n")
    return name


ID = b'{"id":"rec-'  # how a record of W1 begins; digits follow


def number_anew(path, times, out):
    """W1's records so many times over, each with an id of its own, of seven digits. How many they are."""
    with open(path, "rb") as file:
        rests = [line[line.index(b'"', len(ID)):] for line in file]
    with open(out, "wb") as file:
        for turn in range(times):
            first = turn * len(rests) + 1
            file.writelines(b"%s%07d%s" % (ID, first + i, rest) for i, rest in enumerate(rests))
    return len(rests) * times


def change_records(path, out, change, every=1):
    """The records, with the last of every so many changed by change(record, number). How many were changed."""
    changed = 0
    with open(path, encoding="utf-8") as source, open(out, "w", encoding="utf-8") as file:
        for number, line in enumerate(source, 1):
            if number % every == 0:
                record = json.loads(line)
                change(record, number)
                line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
                changed += 1
            file.write(line)
    return changed


def records_path(directory, name, view):
    """With the view fields or without; those of W3 are in its records."""
    if view and name.startswith("records"):
        name = name.replace("records", "records_view")
    elif view and name.startswith("models"):
        name += "_view"
    return os.path.join(directory, name + ".jsonl")


def manifest(directory, name, source, job):
    """Path of a manifest with one source and one job."""
    path = os.path.join(directory, name + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"name": name, "templates": TEMPLATES, "sources": {"records": source},
                   "jobs": {"all": dict(job, **{"from": "records"})}, "undefined": "default", "jinja": JINJA}, file)
    return path


# ---------------------------------------------------------------- Hugo

HUGO = {
    "baseURL": "http://example.org/",
    "disableKinds": ["home", "section", "taxonomy", "term", "RSS", "sitemap", "robotsTXT", "404"],
    "mediaTypes": {"text/prompt": {"suffixes": ["txt"]}},
    "outputFormats": {"prompt": {"mediaType": "text/prompt", "isPlainText": True, "notAlternative": True}},
    "outputs": {"page": ["prompt"]},
    "uglyURLs": True,
}


def hugo_site(directory, records):
    """A page per record, the record in its front matter; prompt.hugo writes the same bytes as prompt.j2."""
    layouts, content = os.path.join(directory, "layouts", "_default"), os.path.join(directory, "content", "p")
    os.makedirs(layouts)
    os.makedirs(content)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(HUGO, file)
    shutil.copyfile(os.path.join(TEMPLATES, "prompt.hugo"), os.path.join(layouts, "single.prompt.txt"))
    with open(records, encoding="utf-8") as lines:
        for i, line in enumerate(lines, 1):
            page = {"title": "%06d" % i, "url": "%02d/%06d.txt" % (i % 100, i), "record": json.loads(line)}
            with open(os.path.join(content, "%06d.md" % i), "w", encoding="utf-8") as file:
                file.write(json.dumps(page, ensure_ascii=False) + "\n")


# ---------------------------------------------------------------- ninja and make

def murmur64(data):
    """MurmurHash64A as ninja's log wants it."""
    mask, m = (1 << 64) - 1, 0xC6A4A7935BD1E995
    h = 0xDECAFBADDECAFBAD ^ (len(data) * m & mask)
    for at in range(0, len(data) - 7, 8):
        k = int.from_bytes(data[at:at + 8], "little") * m & mask
        h = (h ^ ((k ^ (k >> 47)) * m & mask)) * m & mask
    rest = data[len(data) & ~7:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ (h >> 47)) * m & mask
    return h ^ (h >> 47)


def build_tree(directory, edges):
    """Inputs, newer outputs, build.ninja with its log, and a Makefile, as after a complete build: an output per input,
    also depending on two templates. The files are empty: neither tool reads them."""
    for kind in ("in", "out"):
        for i in range(100):
            os.makedirs(os.path.join(directory, kind, "%02d" % i))
    for name in ["header.j2", "prompt.j2"] + ["in/%02d/%06d.json" % (i % 100, i) for i in range(edges)]:
        open(os.path.join(directory, name), "wb").close()
    time.sleep(0.02)  # the clock files get their times from is coarse
    outputs = ["out/%02d/%06d.txt" % (i % 100, i) for i in range(edges)]
    for name in outputs:
        open(os.path.join(directory, name), "wb").close()
    mtime = time.time_ns()
    with open(os.path.join(directory, "build.ninja"), "w", encoding="ascii") as build, \
            open(os.path.join(directory, ".ninja_log"), "w", encoding="ascii") as log:
        build.write("rule render\n  command = cp $in $out\n")
        log.write("# ninja log v5\n")
        for out in outputs:
            source = "in" + out[3:-3] + "json"
            build.write("build %s: render %s | prompt.j2 header.j2\n" % (out, source))
            command = murmur64(("cp %s %s" % (source, out)).encode())
            log.write("0\t1\t%d\t%s\t%x\n" % (mtime, out, command))
    with open(os.path.join(directory, "Makefile"), "w", encoding="ascii") as file:
        file.write("OUTS = %s\nall: $(OUTS)\n$(OUTS): out/%%.txt: in/%%.json prompt.j2 header.j2\n\tcp $< $@\n"
                   ".PHONY: all\n" % " ".join(outputs))


# ---------------------------------------------------------------- rows

def rows(count):
    r = random.Random(20240804)
    words = "order invoice refund the a of with, \"late\" – naïve größe 100 % new old blue".split(" ")
    for i in range(1, count + 1):
        number = r.randrange(1, 1000000)
        yield (i, "customer %d" % number, "user%d@example.org" % number, ("Berlin", "Kraków", "東京", "Lisbon")[number % 4],
               (number // 10 * 10 + 1 + number % 9) / 10, number % 500, number % 2,
               " ".join([words[number >> shift & 15] for shift in range(0, 20, 4)]))


def write_rows(directory, name, count):
    """NAME.csv and NAME.db with `count` rows of COLUMNS. The hash of what templates/row.j2 makes of them."""
    digest = hashlib.sha256()
    database = sqlite3.connect(os.path.join(directory, name + ".db"))
    database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, email TEXT, city TEXT, amount REAL, "
                     "quantity INTEGER, active INTEGER, note TEXT)")
    with open(os.path.join(directory, name + ".csv"), "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        batch = []
        for row in rows(count):
            batch.append(row)
            if len(batch) == 10000 or row[0] == count:
                writer.writerows(batch)
                database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", batch)
                digest.update("".join("|".join(map(str, r)) + "\n" for r in batch).encode())
                batch = []
    database.commit()
    database.close()
    return digest.hexdigest()
