-- A shop whose orders know their customers by number, and have no index on it.
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, country TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, created TEXT, total REAL);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO customers SELECT i, 'customer' || i || '@example.org', 'c' || (i % 200) FROM n;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
INSERT INTO orders SELECT i, 1 + i * 7919 % 2000, date('2020-01-01', '+' || (i % 1500) || ' days'), i % 997 / 3.0 FROM n;
CREATE INDEX orders_created ON orders (created);
CREATE INDEX customers_country ON customers (country);
CREATE UNIQUE INDEX customers_email ON customers (email);
CREATE VIEW customer_totals AS SELECT c.id, c.email, (SELECT sum(total) FROM orders o WHERE o.customer_id = c.id) AS total
FROM customers c WHERE c.country = 'c7';
