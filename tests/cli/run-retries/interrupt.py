# SPDX-License-Identifier: MIT
"""interrupt.py ARGUMENT...: a run that waits to try something again is interrupted; how it ends."""
import signal, subprocess, sys
run = subprocess.Popen(["pressrun", "run", *sys.argv[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
for line in run.stderr:
    if "tries again" in line:
        run.send_signal(signal.SIGINT)
        break
run.stderr.read()
print("exit", run.wait(timeout=20))
