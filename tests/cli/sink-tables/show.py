import sqlite3
import sys
db = sqlite3.connect(sys.argv[1])
for table, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"):
    print(" ".join(sql.split()))
    for row in db.execute('SELECT * FROM "%s" ORDER BY 1' % table):
        print(row)
