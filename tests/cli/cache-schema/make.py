#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make.py SQL: does that to shop.db, which was last changed a minute ago."""
import os, sqlite3, sys, time

db = sqlite3.connect("shop.db")
db.executescript(sys.argv[1])
db.close()
minute_ago = time.time() - 60
os.utime("shop.db", (minute_ago, minute_ago))
