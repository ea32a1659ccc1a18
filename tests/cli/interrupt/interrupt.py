"""Feeds records without end to a run until it is under way, interrupts it, and looks at what is left."""
import json
import os
import signal
import subprocess
import sys
import time

run = subprocess.Popen(["pressrun", "run", "-j", "2", "-f", sys.argv[1]], stdin=subprocess.PIPE,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
sent = 0
start = time.monotonic()


def feed(records):
    global sent
    for _ in range(records):
        run.stdin.write(json.dumps({"id": sent, "text": "x" * 200}).encode() + b"\n")
        sent += 1
    run.stdin.flush()


try:
    feed(3000)  # the pipe is full many times over, so the run is well under way
    run.send_signal(signal.SIGINT)
    while time.monotonic() - start < 50:
        feed(100)
except BrokenPipeError:
    pass
message = run.stderr.read().decode()
code = run.wait(timeout=50)
left = [os.path.join(folder, name) for folder, _, names in os.walk("out") for name in names
        if not folder.endswith("/.pressrun")]
whole = all(open(path, encoding="utf-8").read() == "%s %s" % (os.path.basename(path)[:-4], "x" * 200)
            for path in left if sys.argv[1] == "files.yaml")
print("exit", code)
print("told" if "interrupted" in message else "not told: " + message)
print("left:", "whole files" if left and whole and sys.argv[1] == "files.yaml" else sorted(left)[:10])
subprocess.run(["rm", "-rf", "out"], check=True)
