# SPDX-License-Identifier: MIT
"""shop.py [STATEMENT]: makes shop.db, or changes it."""
import os
import sqlite3
import sys

if len(sys.argv) > 1:
    database = sqlite3.connect("shop.db")
    database.execute(sys.argv[1])
else:
    if os.path.exists("shop.db"):
        os.remove("shop.db")
    database = sqlite3.connect("shop.db")
    database.execute("create table lines (id integer primary key, order_id integer, what text)")
    database.executemany("insert into lines (order_id, what) values (?, ?)",
                         [(10, "pen"), (12, "ink"), (10, "paper"), (11, "rope")])
database.commit()
