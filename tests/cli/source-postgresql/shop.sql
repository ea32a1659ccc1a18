CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE DOMAIN count AS int CHECK (VALUE >= 0);
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, country char(2), seen timestamptz, notes jsonb);
CREATE TABLE kinds (id int PRIMARY KEY, small smallint, large bigint, price numeric(40, 10), whole numeric, ratio real, weight float8,
    yes boolean, doc json, days date, moment timestamptz, span interval, bytes bytea, who uuid, mood mood, range int4range,
    n int[], names text[], moods mood[], counts count[], docs jsonb[], grid int[][], point point, boxes box[]);
CREATE TABLE log (at int, what text);
CREATE VIEW swiss AS SELECT id, name FROM customers WHERE country = 'CH';
CREATE SCHEMA archive;
CREATE TABLE archive.customers (id int PRIMARY KEY, name text);
INSERT INTO customers VALUES
    (3, 'Reto', 'CH', '2024-02-29 23:30+02', '{"vip": true, "tags": ["a", "b\nc"]}'),
    (1, 'Ada', 'GB', NULL, NULL),
    (2, E'Tab\there, line\nthere, \\ and "quotes"', 'CH', '2024-01-01', '{}');
INSERT INTO archive.customers VALUES (9, 'Old');
INSERT INTO log VALUES (1, 'alone');
INSERT INTO kinds VALUES
    (1, -32768, 9223372036854775807, 12.5, 123456789012345678901234567890, 0.1, 1e20, true, '{"a": [1, {"b": "x\\ny"}]}', '2024-02-29',
     '2031-02-28 12:34:56.789+02', '1 day 02:03', '\x00ff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'calm', '[1,5)',
     '{1,NULL,3}', '{"a b","c\"d\\e",NULL,"NULL",""}', '{calm,cross}', '{1,2}', '{"{\"k\": [1, 2]}"}', '{{1,2},{3,4}}', '(1,2)',
     '{(3,3),(1,1);(2,2),(0,0)}'),
    (2, 0, 0, 0.0000000001, -5, 'NaN', '-Infinity', false, 'null', 'infinity', '-infinity', '-1 mon', '', NULL, 'cross', 'empty',
     '{}', '{{a,b},{c,d}}', '{}', '{}', '{}', '[0:1][5:5]={{7},{8}}', NULL, '{}'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE ROLE guarded LOGIN PASSWORD 'opensesame';
GRANT SELECT ON customers TO guarded;
ANALYZE;
