# Prompts in a database.
import sqlite3

with sqlite3.connect("prompts.db") as db:
    db.execute("create table prompts (id text primary key, text text)")
    db.executemany("insert into prompts values (?, ?)", [
        ("often", "often {{ id }} {% include 'shared' %}"), ("seldom", "seldom {{ id }}"),
        ("shared", "shared"), ("chosen", "chosen {{ id }}"), ("never", "never {{ id }}")])
