# Interrupts a comparison while its first run is at work, and says what is left.
import os, signal, subprocess, sys, time

os.makedirs("scratch", exist_ok=True)
child = subprocess.Popen(["pressrun", "strategies", "-f", "slow.yaml"], env=dict(os.environ, TMPDIR=os.path.abspath("scratch")),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
while not os.path.exists("began"):
    time.sleep(0.01)
child.send_signal(signal.SIGINT)
out, err = child.communicate(timeout=60)
print("exit", child.returncode, "left", os.listdir("scratch"), repr(out), "told" if "ending what is measured" in err else err)
