# SPDX-License-Identifier: MIT
"""Holds the records of a schema source against the database itself: every foreign key is one pair of relations, and names
are told apart. Expected is what SQLite's pragmas say."""
import collections
import sqlite3

LISTS = ("belongs_to", "has_one", "has_many", "many_to_many", "polymorphic", "held_as")
# What a template prints to hand over a record, in the names of fields.
FIELDS = ("table", "kind", "class_name", "fault", "primary_key", "columns", "foreign_keys", "join") + LISTS
TEMPLATE = "{{ {%s}|tojson }}" % ", ".join('"%s": %s' % (field, field) for field in FIELDS)


def pragma(database, name, argument):
    return database.execute("select * from pragma_%s(?)" % name, (argument,)).fetchall()


def foreign_keys(database, table):
    """Of each: the other table's name, and the columns here; all in lower case."""
    keys = collections.OrderedDict()
    for number, _, other, column, *_ in pragma(database, "foreign_key_list", table):
        keys.setdefault(number, (other.lower(), []))[1].append(column.lower())
    return [(other, tuple(columns)) for other, columns in keys.values()]


def is_unique(database, table, columns):
    """Whether no two rows can have the same in these columns."""
    primary = [row[1].lower() for row in pragma(database, "table_xinfo", table) if row[5]]
    wholes = [primary] if primary else []
    for _, index, unique, _, partial in pragma(database, "index_list", table):
        if unique and not partial:
            names = [row[2] for row in pragma(database, "index_info", index)]
            if None not in names:
                wholes.append([name.lower() for name in names])
    return any(set(whole) <= set(columns) for whole in wholes)


def check_pairs(database, records):
    by_table = {r["table"].lower(): r for r in records}
    pairs = 0
    for r in records:
        if r["kind"] != "table" or r["fault"]:
            continue
        expected = [key for key in foreign_keys(database, r["table"]) if key[0] in by_table]
        made = [(b["table"].lower(), tuple(c.lower() for c in b["columns"])) for b in r["belongs_to"]]
        assert sorted(made) == sorted(expected), (r["table"], made, expected)
        for b in r["belongs_to"]:
            other = by_table[b["table"].lower()]
            assert b["class_name"] == other["class_name"], b
            kind = "has_one" if is_unique(database, r["table"], [c.lower() for c in b["columns"]]) else "has_many"
            back = [x for x in other[kind] if x["name"] == b["inverse"]]
            assert len(back) == 1, (r["table"], b, kind, other["has_one"], other["has_many"])
            assert (back[0]["table"], back[0]["class_name"], back[0]["columns"], back[0]["inverse"]) == \
                (r["table"], r["class_name"], b["columns"], b["name"]), (b, back[0])
            pairs += 1
    assert pairs == sum(len(r["has_one"]) + len(r["has_many"]) for r in records), "relations that no foreign key makes"
    return pairs


def check_joins(records):
    """What many-to-many says of the tables between is what those say, and the other side says it, too."""
    by_table = {r["table"]: r for r in records}
    for r in records:
        for m in r["many_to_many"]:
            between = by_table[m["through"]]
            assert any(b["table"] == r["table"] and b["columns"] == m["columns"] for b in between["belongs_to"]), m
            assert any(b["table"] == m["table"] and b["columns"] == m["other_columns"] for b in between["belongs_to"]), m
            back = [x for x in by_table[m["table"]]["many_to_many"] if x["name"] == m["inverse"]]
            assert len(back) == 1 and (back[0]["table"], back[0]["columns"]) == (r["table"], m["other_columns"]), (m, back)


def check_holders(records):
    by_table = {r["table"]: r for r in records}
    held = 0
    for r in records:
        for p in r["polymorphic"]:
            for t in p["targets"]:
                back = [x for x in by_table[t["table"]]["held_as"] if x["name"] == t["inverse"]]
                assert len(back) == 1 and (back[0]["table"], back[0]["inverse"]) == (r["table"], p["name"]), (p, t, back)
                assert by_table[t["table"]]["class_name"] == t["class_name"]
                held += 1
    assert held == sum(len(r["held_as"]) for r in records)


def check_names(records):
    classes = [r["class_name"] for r in records]
    assert len(set(classes)) == len(classes), sorted(classes)
    for r in records:
        assert r["class_name"].isidentifier(), r["class_name"]
        for column_name, relation_name in (("snake", "name"), ("camel", "camel")):
            names = [c[column_name] for c in r["columns"]] + [x[relation_name] for kind in LISTS for x in r[kind]]
            assert len(set(names)) == len(names), (r["table"], sorted(names))
            assert all(name.isidentifier() for name in names), (r["table"], names)


def check(path, records):
    """How many pairs there are. Records: of all tables and views, as TEMPLATE prints them."""
    database = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    there = {name for name, in database.execute("select name from sqlite_schema where type in ('table', 'view') "
                                                "and name not like 'sqlite\\_%' escape '\\'")}
    missing = there - {r["table"] for r in records}
    assert all(any(name.startswith(r["table"] + "_") and r["kind"] == "virtual" for r in records) for name in missing), missing
    check_names(records)
    check_joins(records)
    check_holders(records)
    return check_pairs(database, records)
