# Prompts in a database; each argument is an SQL statement more.
import sqlite3
import sys

with sqlite3.connect("prompts.db") as db:
    if len(sys.argv) == 1:
        db.execute("create table prompts (id text primary key, content, language text, vector blob)")
        db.executemany(
            "insert into prompts (id, content, language) values (?, ?, ?)",
            [
                ("greeting", "Hello {{ name }}!\n{% include 'parts/footer' %}\n", None),
                ("parts/footer", "-- {{ site }}", None),
                ("ask.prompt", "Ask [NAME].\n//include terms\n", ""),
                ("terms", "Terms of {{ site }}.", None),
                ("hello", "Hi {{#name}}{{.}}{{/name}}; {{>tail}}\n", "mustache"),
                ("tail", "bye {{name}}", "mustache"),
                ("base", "<{% block body %}{% endblock %}>\n", None),
                ("page", "{% extends 'base' %}{% block body %}{% import 'm.j2' as m %}{{ m.bold(name) }}{% endblock %}", None),
                (7, "seven {{ name }}\n", None),
            ],
        )
    for statement in sys.argv[1:]:
        db.execute(statement)
