"""Runs a command while the database is locked."""
import sqlite3, subprocess, sys
db = sqlite3.connect("shop.db", isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
sys.exit(subprocess.run(sys.argv[1:]).returncode)
