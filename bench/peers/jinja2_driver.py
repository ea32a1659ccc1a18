#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""jinja2_driver.py MODE TEMPLATE_DIR TEMPLATE RECORDS OUT      MODE: render | jsonl | files
env: THREADS=2 (processes, jsonl/files), PASSES=n (render), NOENC=1 (render: leave out .encode()),
     JSON=orjson|ujson"""
import sys, os, time, gc
from jinja2 import Environment, FileSystemLoader
J = os.environ.get("JSON", "json")
loads = __import__(J).loads
MODE, TDIR, TMPL, RECORDS, OUT = sys.argv[1:6]
THREADS = int(os.environ.get("THREADS", "1"))

def make():
    env = Environment(loader=FileSystemLoader(TDIR), trim_blocks=True, lstrip_blocks=True,
                      keep_trailing_newline=True, autoescape=TMPL.endswith(".html"), auto_reload=False)
    return env.get_template(TMPL).render

def render_mode():
    render = make()
    with open(RECORDS, "rb") as f:
        recs = [loads(l) for l in f]
    enc = not os.environ.get("NOENC")
    gc.collect(); gc.freeze()
    for p in range(int(os.environ.get("PASSES", "1"))):
        t = time.perf_counter(); c = time.process_time()
        n = 0
        if enc:
            for r in recs:
                n += len(render(r).encode())
        else:
            for r in recs:
                n += len(render(r))
        dt = time.perf_counter() - t; c = time.process_time() - c
        print("render pass %d: %d records %.6f s %.1f rec/s %.2f MB/s (%d bytes) cpu %.6f s" % (p, len(recs), dt, len(recs) / dt, n / dt / 1e6, n, c))

_render = None
def _init():
    global _render
    _render = make()
def _block(lines):
    return b"".join([_render(loads(l)).encode() for l in lines])
def _fblock(a):
    start, lines = a
    for i, l in enumerate(lines, start):
        with open("%s/%02d/%06d.txt" % (OUT, i % 100, i), "wb") as o:
            o.write(_render(loads(l)).encode())

def blocks(f, n=256):
    import itertools
    while True:
        b = list(itertools.islice(f, n))
        if not b:
            return
        yield b

def jsonl_mode():
    if THREADS == 1:
        render = make()
        with open(RECORDS, "rb") as f, open(OUT, "wb", 1 << 20) as o:
            for l in f:
                o.write(render(loads(l)).encode())
    else:
        import multiprocessing as mp
        with mp.Pool(THREADS, _init) as pool, open(RECORDS, "rb") as f, open(OUT, "wb", 1 << 20) as o:
            for b in pool.imap(_block, blocks(f)):
                o.write(b)

def files_mode():
    for d in range(100):
        os.makedirs("%s/%02d" % (OUT, d), exist_ok=True)
    if THREADS == 1:
        _init()
        with open(RECORDS, "rb") as f:
            _fblock((0, f))
    else:
        import multiprocessing as mp
        def it(f):
            i = 0
            for b in blocks(f):
                yield i, b
                i += len(b)
        with mp.Pool(THREADS, _init) as pool, open(RECORDS, "rb") as f:
            for _ in pool.imap_unordered(_fblock, it(f)):
                pass

if __name__ == "__main__":
    {"render": render_mode, "jsonl": jsonl_mode, "files": files_mode}[MODE]()
