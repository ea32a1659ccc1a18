// SPDX-License-Identifier: MIT
// The templates of scenarios. Lines end in the texts; blocks are trimmed, as the manifest says.
#include "bench/scenario_records.h"

const struct scenario_template scenario_templates_model[] = {
    {"model.ts.j2", "{% include \"notice.j2\" %}\n"
                    "\n"
                    "import { Entity, column, type Reference } from \"../orm\";\n"
                    "{% for r in belongs_to + has_many %}\n"
                    "import type { {{ r.class_name }} } from \"./{{ r.name }}s\";\n"
                    "{% endfor %}\n"
                    "\n"
                    "export interface {{ class_name }}Fields {\n"
                    "{% for c in columns %}\n"
                    "  {{ c.name }}: {{ c.type }}{{ \" | null\" if c.nullable }};\n"
                    "{% endfor %}\n"
                    "}\n"
                    "\n"
                    "export class {{ class_name }} extends Entity<{{ class_name }}Fields> {\n"
                    "  static readonly table = \"{{ table }}\";\n"
                    "  static readonly names = [{{ columns|map(attribute=\"name\")|join(\", \") }}];\n"
                    "{% for c in columns %}\n"
                    "\n"
                    "  // {{ c.sql_type|upper }}{% if not c.nullable %} NOT NULL{% endif %}{% if c.default "
                    "is not none %} DEFAULT {{ c.default }}{% endif %}\n"
                    "\n"
                    "  @column({ type: \"{{ c.sql_type }}\", position: {{ loop.index }} })\n"
                    "  {{ c.name }}{{ \"?\" if c.nullable }}: {{ c.type }}{% if c.default is not none %} = "
                    "{{ c.default }}{% endif %};\n"
                    "{% endfor %}\n"
                    "{% for r in belongs_to %}\n"
                    "\n"
                    "  get {{ r.name }}(): Reference<{{ r.class_name }}> {\n"
                    "    return this.one(\"{{ r.name }}s\", this.{{ r.key }});\n"
                    "  }\n"
                    "{% else %}\n"
                    "\n"
                    "  // Belongs to no other.\n"
                    "{% endfor %}\n"
                    "{% for r in has_many %}\n"
                    "\n"
                    "  {{ r.name }}s(): Promise<{{ r.class_name }}[]> {\n"
                    "    return this.all(\"{{ r.name }}s\", \"{{ r.key }}\");\n"
                    "  }\n"
                    "{% endfor %}\n"
                    "{% for p in polymorphic|default([]) %}\n"
                    "\n"
                    "  get {{ p.name }}(): Reference<{{ p.targets|join(\" | \") or \"never\" }}> {\n"
                    "    return this.any(this.{{ p.type_key }}, this.{{ p.id_key }});\n"
                    "  }\n"
                    "{% endfor %}\n"
                    "{% for p in held_as|default([]) %}\n"
                    "\n"
                    "  {{ p.holder|lower }}sAs{{ p.name|capitalize }}(): Promise<unknown[]> {\n"
                    "    return this.all(\"{{ p.holder|lower }}s\", \"{{ p.name }}_id\", { {{ p.name "
                    "}}_type: \"{{ class_name }}\" });\n"
                    "  }\n"
                    "{% endfor %}\n"
                    "}\n"},
    {"notice.j2", "// {{ class_name }} of {{ app }}, made from its schema: changes here are lost.\n"
                  "// {{ columns|length }} columns, {{ belongs_to|length + has_many|length }} relations"},
    {0}};

const struct scenario_template scenario_templates_prompt[] = {
    {"prompt.j2", "{% include \"task.j2\" %}\n"
                  "\n"
                  "{% if customer.tier == \"business\" %}\n"
                  "The customer has a contract: quote its terms where they matter, and offer a call.\n"
                  "{% elif customer.tier == \"plus\" %}\n"
                  "The customer pays: name the fastest way first.\n"
                  "{% else %}\n"
                  "The customer uses the free tier: be brief and point to the handbook.\n"
                  "{% endif %}\n"
                  "\n"
                  "Customer: {{ customer.name }} ({{ customer.nickname|default(\"no nickname\") }}), {{ "
                  "customer.city|upper }}, since {{ customer.since }}\n"
                  "Labels{% if labels|length > 4 %}, many{% endif %}:\n"
                  "{% for label in labels %}\n"
                  "  - {{ label }}\n"
                  "{% endfor %}\n"
                  "\n"
                  "{% for m in messages %}\n"
                  "[{{ loop.index }}/{{ loop.length }}] {{ m.role|upper }}: {{ m.content|trim }}\n"
                  "{% if loop.last %}\n"
                  "Now it is your turn, for {{ customer.name }}.\n"
                  "{% endif %}\n"
                  "{% endfor %}\n"
                  "{% include \"form.j2\" %}\n"},
    {"task.j2",
     "# {{ id }} for {{ model }} at {{ temperature }}\n"
     "Answer the last message in the language \"{{ customer.language }}\", in at most four sentences."},
    {"form.j2",
     "Reply with a JSON object: {\"id\": {{ id|tojson }}, \"labels\": {{ labels|tojson }}, \"text\": ...}"},
    {0}};

const struct scenario_template scenario_templates_page[] = {
    {"page.html.j2", "<!doctype html>\n"
                     "<title>{{ title }}</title>\n"
                     "<h1>{{ title }}</h1>\n"
                     "<p>{{ rows|length }} rows</p>\n"
                     "<table>\n"
                     "{% for row in rows %}\n"
                     "<tr{% if not row.paid %} class=\"due\"{% endif %}><th>{{ row.number }}<td>{{ row.name "
                     "}}<td>{{ row.city }}"
                     "<td>{{ row.amount }}<td>{{ row.remark }}\n"
                     "{% endfor %}\n"
                     "</table>\n"},
    {0}};

const struct scenario_template scenario_templates_note[] = {
    {"note.md.j2",
     "# {{ title|title }}{% if draft %} (draft){% endif %}\n"
     "\n"
     "\n"
     "By {{ author.name }}, {{ author.city }}. {% for label in labels %}#{{ label }} {% endfor %}\n"
     "\n"
     "\n"
     "{{ body }}\n"},
    {0}};

// Sorts, groups, adds up and wraps some hundred entries again and again.
const struct scenario_template scenario_templates_ledger[] = {
    {"ledger.md.j2",
     "# Ledger {{ id }} of {{ owner.name }}\n"
     "\n"
     "{% for key in [\"city\", \"name\", \"paid\"] %}\n"
     "## By {{ key }}\n"
     "\n"
     "{% for group in entries|groupby(key) %}\n"
     "- {{ group.grouper }}: {{ group.list|length }}, {{ "
     "\"%.2f\"|format(group.list|sum(attribute=\"amount\")) }}, most\n"
     "  {{ (group.list|sort(attribute=\"amount\")|last).remark|escape|upper|truncate(40) }}\n"
     "{% endfor %}\n"
     "\n"
     "{% endfor %}\n"
     "{% for key in [\"amount\", \"remark\", \"city\", \"number\", \"name\"] %}\n"
     "## By {{ key }}, every tenth\n"
     "\n"
     "{% set all = namespace(sum=0, lines=0) %}\n"
     "{% for e in entries|sort(attribute=key) %}\n"
     "{% set text = (e.remark ~ \" \" ~ e.name)|replace(\"the\", \"THE\")|wordwrap(38)|indent(4) %}\n"
     "{% set all.sum = all.sum + e.amount %}\n"
     "{% set all.lines = all.lines + text.splitlines()|length %}\n"
     "{% if loop.index is divisibleby 10 %}\n"
     "{{ loop.index }}. {{ text }}\n"
     "    {{ \"%.2f in %d lines\"|format(all.sum, all.lines) }}\n"
     "{% endif %}\n"
     "{% endfor %}\n"
     "\n"
     "{% endfor %}\n"},
    {0}};

const struct scenario_template scenario_templates_summary[] = {
    {"summary.md.j2", "# Ledger {{ id }} of {{ owner.name }}\n"
                      "\n"
                      "{{ entries|length }} entries, the first of {{ entries[0].name }}\n"},
    {0}};

const struct scenario_template scenario_templates_heading[] = {{"heading.j2", "{{ id }} {{ title }}\n"}, {0}};

const struct scenario_template scenario_templates_account[] = {
    {"account.md.j2",
     "# Account {{ id }} of {{ owner.name }}\n"
     "\n"
     "{% for e in entries|sort(attribute=\"amount\") %}\n"
     "- {{ \"%.2f\"|format(e.amount) }}{{ \" (due)\" if not e.paid }}: {{ e.remark }}, {{ e.city }}\n"
     "{% endfor %}\n"},
    {0}};

const struct scenario_template scenario_templates_schema[] = {
    {"model.ts.j2",
     "{% include \"notice.j2\" %}\n"
     "\n"
     "import { Entity, column, type Reference } from \"../orm\";\n"
     "{% for name in (belongs_to + has_many + held_as)|map(attribute=\"class_name\")|unique|sort %}\n"
     "import type { {{ name }} } from \"./{{ name }}\";\n"
     "{% endfor %}\n"
     "\n"
     "export interface {{ class_name }}Fields {\n"
     "{% for c in columns %}\n"
     "  {{ c.camel }}: {{ c.types.typescript }}{{ \" | null\" if c.nullable }};\n"
     "{% endfor %}\n"
     "}\n"
     "\n"
     "export class {{ class_name }} extends Entity<{{ class_name }}Fields> {\n"
     "  static readonly table = {{ table|tojson }};\n"
     "  static readonly names = {{ columns|map(attribute=\"name\")|list|tojson }};\n"
     "{% for c in columns %}\n"
     "\n"
     "  // {{ c.sql_type|upper }}{% if not c.nullable %} NOT NULL{% endif %}{% if c.default is "
     "not none %} DEFAULT {{ c.default }}{% endif %}\n"
     "\n"
     "  @column({ type: {{ c.sql_type|tojson }}, position: {{ loop.index }} })\n"
     "  {{ c.camel }}{{ \"?\" if c.nullable }}: {{ c.types.typescript }};\n"
     "{% endfor %}\n"
     "{% for r in belongs_to %}\n"
     "\n"
     "  get {{ r.camel }}(): Reference<{{ r.class_name }}> {\n"
     "    return this.one({{ r.table|tojson }}, {{ r.columns|tojson }});\n"
     "  }\n"
     "{% endfor %}\n"
     "{% for r in has_many + held_as %}\n"
     "\n"
     "  {{ r.camel }}(): Promise<{{ r.class_name }}[]> {\n"
     "    return this.all({{ r.table|tojson }}, \"{{ r.inverse }}\");\n"
     "  }\n"
     "{% endfor %}\n"
     "{% for p in polymorphic %}\n"
     "\n"
     "  get {{ p.camel }}(): Reference<{{ p.targets|map(attribute=\"class_name\")|join(\" | \") or "
     "\"never\" }}> {\n"
     "    return this.any(\"{{ p.type_column }}\", \"{{ p.id_column }}\");\n"
     "  }\n"
     "{% endfor %}\n"
     "}\n"},
    {"notice.j2", "// {{ class_name }}, made from the {{ kind }} {{ table }}: changes here are lost.\n"
                  "// {{ columns|length }} columns, {{ belongs_to|length + has_many|length }} relations"},
    {0}};
