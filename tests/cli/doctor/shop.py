# SPDX-License-Identifier: MIT
import sqlite3

db = sqlite3.connect("shop.db")
db.execute("create table products (id integer primary key, name text)")
db.executemany("insert into products (name) values (?)", [("x" * 200,)] * 2000)
db.commit()
