# SPDX-License-Identifier: MIT
"""Mutations of bytes: small faults as transfers and editors make them, and larger ones as only malice does.

Deterministic: the same random.Random gives the same bytes.
"""
import copy
import json
import re

LARGEST = 200_000  # bytes; a mutation that repeats stops there
NUMBERS = [b"0", b"-1", b"1e999", b"-1e-999", b"9223372036854775807", b"-9223372036854775808", b"18446744073709551616",
           b"4294967296", b"2147483648", b"1" + b"0" * 400, b"0." + b"3" * 400, b"0x7fffffff", b"NaN", b".5", b"1e", b"1_0"]
BYTES = [b"\0", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x82", b"\r", b"\n", b"\r\n", b"\t", b"\x1b[2J",
         b"\\", b"\"", b"'", b"`", b"$", b"%", b"\x7f", "\u2028".encode(), "\u202e".encode(), "\U0001f600".encode()]
TOKEN = re.compile(rb"[A-Za-z_]+|[0-9]+|\s+|[{}%#|\[\]():,;*&!<>=\"'.-]+|.", re.S)


def flip(random, text, _):
    text = bytearray(text)
    for _ in range(random.choice([1, 1, 2, 8])):
        if text:
            text[random.randrange(len(text))] ^= 1 << random.randrange(8)
    return bytes(text)


def span(random, text):
    a = random.randrange(len(text) + 1)
    return a, min(len(text), a + random.choice([1, 2, 5, 20, 100]))


def cut_end(random, text, _):
    return text[:random.randrange(len(text) + 1)]


def cut_start(random, text, _):
    return text[random.randrange(len(text) + 1):]


def cut_out(random, text, _):
    a, b = span(random, text)
    return text[:a] + text[b:]


def repeat(random, text, _):
    a, b = span(random, text)
    times = min(random.choice([2, 3, 50, 2000, 30000]), LARGEST // (b - a + 1))
    return text[:a] + text[a:b] * times + text[b:]


def splice(random, text, other):
    a, b = random.randrange(len(text) + 1), random.randrange(len(other) + 1)
    return text[:a] + other[b:]


def transplant(random, text, other):
    a, (b, c) = random.randrange(len(text) + 1), span(random, other)
    return text[:a] + other[b:c] + text[a:]


def swap_tokens(random, text, _):
    tokens = TOKEN.findall(text)
    if len(tokens) > 1:
        a, b = random.randrange(len(tokens)), random.randrange(len(tokens))
        tokens[a], tokens[b] = tokens[b], tokens[a]
    return b"".join(tokens)


def drop_token(random, text, _):
    tokens = TOKEN.findall(text)
    if tokens:
        del tokens[random.randrange(len(tokens))]
    return b"".join(tokens)


def other_token(random, text, other):
    tokens, others = TOKEN.findall(text), TOKEN.findall(other)
    if tokens and others:
        tokens[random.randrange(len(tokens))] = random.choice(others)
    return b"".join(tokens)


def other_number(random, text, _):
    places = list(re.finditer(rb"[0-9]+", text))
    if not places:
        return insert(random, text, _)
    place = random.choice(places)
    return text[:place.start()] + random.choice(NUMBERS) + text[place.end():]


def insert(random, text, _):
    a = random.randrange(len(text) + 1)
    return text[:a] + random.choice(BYTES) * random.choice([1, 1, 1, 2, 300]) + text[a:]


def swap_lines(random, text, _):
    lines = text.split(b"\n")
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def indent(random, text, _):
    lines = text.split(b"\n")
    a = random.randrange(len(lines))
    lines[a] = random.choice([b" ", b"\t", b"        "]) + lines[a]
    return b"\n".join(lines)


ALL = [flip, cut_end, cut_start, cut_out, repeat, splice, transplant, swap_tokens, drop_token, other_token, other_number,
       insert, swap_lines, indent]
OF_BINARY = [flip, flip, cut_end, cut_out, repeat, splice, insert]


def mutate(random, seeds, kinds=None):
    """One of the seeds, changed in one to four ways."""
    text = random.choice(seeds)
    for _ in range(random.choice([1, 1, 1, 1, 2, 4])):
        text = random.choice(kinds or ALL)(random, text, random.choice(seeds))[:LARGEST * 2]
    return text


# What a document says instead of how it is spelled
# -----------------------------------------------------------------------------------------------------

VALUES = [None, True, False, 0, -1, 1.5, 10 ** 19, -10 ** 400, 1e308, "", " ", "\0", "x" * 5000, "{{ x", "{{ id }}", "{% if",
          "../up.txt", "/etc/hostname", "-", ".", "out", "a/b", "\u202e", [], {}, [[]], [None], {"": 1}, {"a": {"b": {}}}]


def places(node):
    """(container, key) of everything in a document."""
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield node, key
        yield from places(node[key])


def mutate_document(random, document, times):
    """A copy in which values are replaced, exchanged or left out, and keys renamed."""
    document = [copy.deepcopy(document)]
    for _ in range(times):
        there = list(places(document[0]))
        if not there:
            return random.choice(VALUES)
        node, key = random.choice(there)
        donor, other = random.choice(there)
        kind = random.randrange(8)
        if kind == 0:
            node[key] = copy.deepcopy(random.choice(VALUES))
        elif kind == 1:
            node[key] = copy.deepcopy(donor[other])
        elif kind >= 5: # of the same type, so that what comes after the first check is reached too
            like = [at for container, name in there for at in [container[name]] if type(at) is type(node[key])]
            like += [value for value in VALUES if type(value) is type(node[key])]
            node[key] = copy.deepcopy(random.choice(like))
        elif kind == 2:
            del node[key]
        elif kind == 3 and isinstance(node, dict):
            node[random.choice([str(other), str(key) + "x", "", "é", "a.b", "from"])] = node.pop(key)
        else:
            node[key] = [copy.deepcopy(node[key])] * random.choice([1, 2, 40])
    return document[0]


def as_json(document):
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
