import os
import sqlite3
os.mkdir("out")
db = sqlite3.connect("out/all.sqlite")
db.executescript("""
CREATE TABLE teams (id INTEGER PRIMARY KEY);
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT CHECK (length(name) < 5), team REFERENCES teams);
""")
