# SPDX-License-Identifier: MIT
"""locked.py COMMAND...: runs a command while the database is somebody else's."""
import sqlite3
import subprocess
import sys

db = sqlite3.connect("shop.db", isolation_level=None)
db.execute("begin exclusive")
subprocess.run(sys.argv[1:])
