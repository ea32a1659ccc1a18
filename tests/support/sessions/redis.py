#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""redis.py COMMAND: runs a shell command while a redis server listens on ./redis.sock."""
import os, shutil, subprocess, sys, time

server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", "", "--appendonly", "no"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for _ in range(200):
    if os.path.exists("redis.sock"):
        break
    time.sleep(0.05)
try:
    sys.exit(subprocess.run(["sh", "-c", sys.argv[1]]).returncode)
finally:
    server.kill()
    server.wait()
    if os.path.exists("redis.sock"):
        os.remove("redis.sock")
