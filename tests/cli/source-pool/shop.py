import sqlite3
db = sqlite3.connect("shop.db")
db.executescript("""
    CREATE TABLE orders (id INTEGER PRIMARY KEY, number TEXT, customer, price INTEGER, day TEXT);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000)
    INSERT INTO orders SELECT i * 3, printf('A%05x', i * 7919 % 65521), i % 50, i % 997,
        date('2026-01-01', (i % 300) || ' days') FROM c;
    CREATE INDEX numbers ON orders (number);
""")
