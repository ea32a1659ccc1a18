# SPDX-License-Identifier: MIT
"""Databases that nobody would design: names that are words of languages, texts or nothing, keys of every kind, cycles.

make(path, seed) writes a SQLite database; the same seed makes the same schema. Statements that SQLite refuses are left out,
so that what is there is what SQLite allows.
"""
import random
import sqlite3

PLAIN = ["user", "users", "person", "people", "order", "order_line", "orders", "status", "news", "data", "series", "address", "Invoice",
         "InvoiceLine", "INVOICE_ITEM", "tblCustomer", "x", "child", "children", "index_entry", "a_b", "AB", "ab"]
WORDS = ["class", "constructor", "prototype", "__proto__", "toString", "default", "select", "table", "from", "group", "Object",
         "Date", "string", "String", "number", "any", "null", "undefined", "true", "function", "import", "export", "support",
         "Row", "Record", "Array", "Promise", "this", "new", "type", "never", "symbol", "let", "enum", "fields", "relations",
         "table_name", "primary_key", "problems", "self", "loop", "records", "length", "name", "con", "NUL"]
STRANGE = ["größe", "naïve table", "表", "таблица", "🚲 bikes", "a\u0301ccent", "\u202eright", "two words", " leading", "trailing ",
           "tab\tbed", "line\nbreak", "carriage\rreturn", "quo\"te", "it's", "back`tick", "back\\slash", "*/ end", "/* begin",
           "${x}", "{{ x }}", "{% if %}", "</script>", "a.b", "a/b", "../up", "-dash", "100%", "2fa", "1", "", "_", "__", "$", "a-b",
           "a b", "<T>", "a|b", "#id", "@at", "[x]", "\u2028sep", "\u00a0nbsp", "ǅungla", "ﬁsh", "straße", "İstanbul", "x" * 60, "Ⅷ"]
TYPES = ["integer", "INT", "bigint", "text", "varchar(40)", "VARCHAR ( 12 )", "varchar(99999999999999999999)", "char(-1)", "decimal(10,2)",
         "real", "double precision", "boolean", "date", "datetime", "timestamp with time zone", "time", "json", "uuid", "blob", "",
         "int unsigned", "no such type", "größe", "enum('a','b')", "*/", "numeric(5 , 0)", "any", "tinyint(1)", "interval", "number"]
VALUES = [None, 1, 2.5, b"\x00\xff", "", "it's", "a\"b", "line\nbreak", "User", "users", "user", "Order", "no such", "*/", "\u2028"]


def quoted(name):
    return '"%s"' % name.replace('"', '""')


class Maker:
    def __init__(self, path, seed):
        self.random = random.Random(seed)
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript("pragma journal_mode = off; pragma synchronous = off; pragma user_version = 1; begin;")
        self.tables = {}  # name: columns
        self.rows = []

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def names(self, n):
        """Names that SQLite takes for different ones."""
        found = {}
        while len(found) < n:
            name = self.random.choice(self.random.choice((PLAIN, PLAIN, WORDS, STRANGE)))
            found.setdefault(name.lower(), name)
        return list(found.values())

    def run(self, statement, *values):
        try:
            self.database.execute(statement, values)
            return True
        except (sqlite3.Error, UnicodeError):
            return False

    def column(self, name):
        text = "%s %s" % (quoted(name), self.random.choice(TYPES) if self.chance(70) else '"%s"' % self.random.choice(STRANGE).replace('"', ""))
        text += self.random.choice(("", "", " not null", " unique", " default 0", " default '*/ '' \n'", " default current_timestamp",
                                    " not null default (1 + 1)", " collate nocase", " check (1)"))
        return text

    def columns_of(self, target, n):
        """So many columns that a key may refer to: as likely as not what SQLite would accept rows for."""
        columns = self.tables.get(target) or ["id"]
        return [self.random.choice(columns) for _ in range(n)]

    def keys(self, own, columns):
        """Foreign keys of one and of more columns, to other tables, to itself, to none; spelt differently, or without columns."""
        constraints = []
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
            target = self.random.choice([own, own] + list(self.tables) * 3 + self.names(1))
            n = self.random.choice((1, 1, 1, 2, 3))
            held = self.random.sample(columns, min(n, len(columns)))
            text = "foreign key (%s) references %s" % (", ".join(map(quoted, held)),
                                                       quoted(target.upper() if target.isascii() and self.chance(15) else target))
            if self.chance(70):
                text += " (%s)" % ", ".join(map(quoted, self.columns_of(target, len(held))))
            constraints.append(text + self.random.choice(("", " on delete cascade", " on update set null deferrable")))
        return constraints

    def table(self, name):
        columns = self.names(self.random.randint(1, 9))
        if self.chance(60):
            columns.insert(0, "id")
        if self.chance(25):
            pair = self.random.choice(("owner", "commentable", "größe", "class", "*/", "order"))
            columns += [pair + "_type", pair + "_id"]
        columns += [t + "_id" for t in self.random.sample(list(self.tables), min(2, len(self.tables))) if self.chance(50)]
        columns = list({c.lower(): c for c in columns}.values())
        parts = ["id integer primary key" if c == "id" else "%s varchar(40)" % quoted(c) if c.endswith("_type") else self.column(c)
                 for c in columns]
        if "id" not in columns and self.chance(70):
            parts.append("primary key (%s)" % ", ".join(map(quoted, self.random.sample(columns, min(2, len(columns))))))
        if self.chance(15):
            parts.append("%s generated always as (1) stored" % quoted("made " + columns[0]))
        if self.chance(20):
            parts.append("unique (%s)" % ", ".join(map(quoted, self.random.sample(columns, min(2, len(columns))))))
        self.tables[name] = columns
        options = self.random.choice(("", "", "", " without rowid", " strict"))
        for constraints, ending in ((self.keys(name, columns), options), ([], "")):
            if self.run("create table %s (%s)%s" % (quoted(name), ", ".join(parts + constraints), ending)):
                return
        del self.tables[name]

    def join_table(self):
        if len(self.tables) >= 2:
            a, b = self.random.sample(list(self.tables), 2)
            name = "%s_%s" % (a, b)
            if self.run("create table %s (a_id integer references %s, b_id integer references %s, primary key (a_id, b_id))"
                        % (quoted(name), quoted(a), quoted(b))):
                self.tables[name] = ["a_id", "b_id"]

    def rest(self):
        for name, columns in self.tables.items():
            if self.chance(30):
                self.run("create %s index %s on %s (%s)" % (self.random.choice(("", "unique")), quoted("by " + name), quoted(name),
                                                            self.random.choice((quoted(columns[-1]), "lower(%s)" % quoted(columns[0])))))
            pairs = [column[:-5] for column in columns if column.endswith("_type")]
            if pairs and self.chance(40):
                self.run("create unique index %s on %s (%s, %s)" % (quoted("one " + name), quoted(name), quoted(pairs[0] + "_type"),
                                                                    quoted(pairs[0] + "_id")))
            held = self.random.sample(list(self.tables), min(2, len(self.tables))) if pairs else []
            for value in (self.random.sample(VALUES, 3) if self.chance(50) else []) + held + ["App\\Models\\" + t for t in held]:
                row = {c: len(self.rows) for c in columns}  # as no other row
                row.update({pair + "_type": value for pair in pairs})
                self.rows.append(name)
                self.run("insert into %s (%s) values (%s)" % (quoted(name), ", ".join(map(quoted, row)), ", ".join("?" * len(row))),
                         *row.values())
        for name in self.names(self.random.randint(0, 2)):
            about = self.random.choice(list(self.tables) or ["sqlite_schema"])
            self.run("create view %s as select *, 1 as %s from %s" % (quoted("view " + name), quoted(name), quoted(about)))
        if self.chance(20):
            self.run("create view lost as select * from gone")  # a view over what is not there
        if self.chance(10):
            self.run("create virtual table search using fts5(body, title)")
        if self.chance(20) and self.tables:
            self.run("create trigger t after delete on %s begin select 1; end" % quoted(self.random.choice(list(self.tables))))


def make(path, seed):
    maker = Maker(path, seed)
    for name in maker.names(maker.random.randint(0, 8)):
        maker.table(name)
    for _ in range(maker.random.choice((0, 0, 1, 2))):
        maker.join_table()
    maker.rest()
    maker.database.execute("commit")
    maker.database.close()
