"""Sends signals to a run when its filters have begun, and looks at what is left: interrupt.py JOB SIGNAL..."""
import json
import os
import signal
import subprocess
import sys
import time


def wait_until(true):
    end = time.monotonic() + 60
    while not true() and time.monotonic() < end:
        time.sleep(0.01)


def begun():
    try:
        with open("started", encoding="utf-8") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def alive(process):
    try:
        with open("/proc/%s/stat" % process, encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


run = subprocess.Popen(["pressrun", "run", "-j", "2", "--json", "--only", sys.argv[1]],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
wait_until(lambda: len(begun()) == 2)
for name in sys.argv[2:]:
    run.send_signal(signal.Signals[name])
    time.sleep(0.4)  # two at once count as one
report, message = (text.decode() for text in run.communicate(timeout=50))
code = run.returncode
wait_until(lambda: not any(alive(process) for process in begun()))
print("exit", code, "told" if "interrupted" in message else "not told")
counts = json.loads(report) if report else {}
print({name: counts[name] for name in ("filtered", "rendered", "written", "failed") if name in counts})
print("began", len(begun()), "left", sum(alive(process) for process in begun()))
print("made", sorted(name for folder, _, names in os.walk("out") for name in names if ".pressrun" not in folder))
subprocess.run(["rm", "-rf", "out", "started"], check=True)
