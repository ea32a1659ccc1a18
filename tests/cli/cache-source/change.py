#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes the database as another program would, and leaves its log behind."""
import os, sqlite3

db = sqlite3.connect("shop.db")
db.execute("insert or replace into sales values (1000, 'Oslo', 1, 'zzz')")
db.commit()
os._exit(0)
