#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""limited.py BYTES COMMAND...: no file can become larger, as on a full disk."""
import os, resource, signal, sys

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
os.execvp(sys.argv[2], sys.argv[2:])
