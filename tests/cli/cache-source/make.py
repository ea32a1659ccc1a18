#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make.py [wal]: a database that was last changed some time ago."""
import os, sqlite3, sys, time

for name in ("shop.db", "shop.db-wal", "shop.db-shm"):
    if os.path.exists(name):
        os.remove(name)
db = sqlite3.connect("shop.db")
if "wal" in sys.argv:
    db.execute("pragma journal_mode = wal")
db.execute("create table sales (id integer primary key, town text, price real, note text)")
db.executemany("insert into sales values (?, ?, ?, ?)",
               [(i, ["Oslo", "Bergen", "Trondheim"][i % 3], i % 50 / 2, None if i % 2 else "n%d" % i) for i in range(300)])
db.execute("create table wide as with recursive n(i) as (select 0 union all select i + 1 from n where i < 400) select i from n")
db.commit()
db.close()
for name in os.listdir("."):
    if name.startswith("shop.db"):
        os.utime(name, (time.time() - 60, time.time() - 60))
