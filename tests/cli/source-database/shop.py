import sqlite3
db = sqlite3.connect("shop.db")
db.executescript("""
    CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, price REAL, note);
    INSERT INTO products VALUES (1, 'Bread', 2.5, NULL), (2, 'Käse', 12, 'old'), (3, 'Wine', 9.99, x'00ff');
    CREATE VIEW cheap AS SELECT * FROM products WHERE price < 10;
""")
