"""Runs a command with a terminal for its standard output and error, and shows what it wrote there."""
import os
import pty
import sys

os.environ.setdefault("TERM", "xterm")
code = pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 65536))
print("[exit %d]" % os.waitstatus_to_exitcode(code))
