# SPDX-License-Identifier: MIT
"""hold.py SECONDS: holds an exclusive lock on rows.db; says so when it has it."""
import sqlite3, sys, time
db = sqlite3.connect("rows.db", isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
open("held", "w").close()
time.sleep(float(sys.argv[1]))
db.execute("COMMIT")
