#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a filter finds: its directory, its descriptors, its process group, the signals that are not as usual.
import os, signal, sys
print("reads the manifest's directory:", open(sys.argv[1]).readline().strip() == "#!/usr/bin/env python3")
own = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))
print("descriptors:", [fd for fd in own if os.path.exists("/proc/self/fd/%d" % fd)])
print("leads its group:", os.getpgid(0) == os.getpid())
status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().split("\n") if ":\t" in line)
print("blocked:", status["SigBlk"].strip())
print("environment:", os.environ.get("PRESSRUN_SEEN"))
