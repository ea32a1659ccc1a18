#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shop.py: makes shop.db, whose tables refer to each other in every way there is."""
import sqlite3

db = sqlite3.connect("shop.db")
db.executescript("""
    CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(120) NOT NULL UNIQUE, invited_by INTEGER REFERENCES customers);
    CREATE TABLE addresses (customer_id INTEGER PRIMARY KEY REFERENCES customers ON DELETE CASCADE, street TEXT NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES Customers(ID), placed DATETIME DEFAULT CURRENT_TIMESTAMP,
        total DECIMAL(10,2), total_cents INTEGER GENERATED ALWAYS AS (total * 100));
    CREATE TABLE products (id INTEGER PRIMARY KEY, name NVARCHAR(80), tags JSON);
    CREATE TABLE orders_products (order_id INTEGER REFERENCES orders, product_id INTEGER REFERENCES products, PRIMARY KEY (order_id, product_id)) WITHOUT ROWID;
    CREATE TABLE comments (id INTEGER PRIMARY KEY, body TEXT, subject_type TEXT, subject_id INTEGER);
    CREATE INDEX recent ON orders (customer_id, placed) WHERE total > 0;
    CREATE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 100;
    INSERT INTO comments VALUES (1, 'good', 'Product', 1), (2, 'late', 'Order', 1);
""")
