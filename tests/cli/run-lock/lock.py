"""A run that waits for its records holds the output directory; another one is refused, or waits for it."""
import os
import signal
import subprocess
import time

COMMAND = ["pressrun", "run", "-q", "-j", "1"]


def start(*options):
    return subprocess.Popen([*COMMAND, *options], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition):
    deadline = time.monotonic() + 50
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def holder():
    try:
        with open("out/.pressrun/lock", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


first = start()
until(lambda: holder() == str(first.pid))
second = start()
_, said = second.communicate('{"id": 2}\n')
print("second:", second.returncode, said.replace(str(first.pid), "PID").strip())

waiting = start("--wait")
time.sleep(0.3)
print("waiting:", waiting.poll())
first.communicate('{"id": 1}\n')
_, said = waiting.communicate('{"id": 3}\n')
print("first:", first.returncode, "waited:", waiting.returncode, said.strip())
print(sorted(os.listdir("out")), "lock: '%s'" % holder())

# A killed run leaves no lock, and what it left is cleared away.
killed = start()
until(lambda: holder() == str(killed.pid))
with open("out/.%x-1f-0.pressrun-tmp" % killed.pid, "w", encoding="ascii") as file:
    file.write("half")
killed.send_signal(signal.SIGKILL)
killed.wait()
print("held by the dead:", holder() == str(killed.pid))
after = subprocess.run(["pressrun", "run", "-j", "1"], input='{"id": 4}\n', capture_output=True, text=True)
print("after:", after.returncode, after.stderr.strip())
print(sorted(os.listdir("out")), "lock: '%s'" % holder())

# Whoever waits can be interrupted.
first = start()
until(lambda: holder() == str(first.pid))
waiting = start("--wait")
time.sleep(0.3)
waiting.send_signal(signal.SIGINT)
_, said = waiting.communicate()
print("interrupted:", waiting.returncode)
first.communicate("")
