#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Deterministic workload generator (stdlib only, fixed seed).

gen.py [DATA_DIR [N]]   default ./data; with N only W1's raw data, of N records

  records.jsonl            W1: 100,000 records, the raw data (Jinja-like engines)
  records_10k.jsonl        W1: the first 10,000 of them
  records_view.jsonl       W1: the same records + pre-computed view fields (Mustache-like engines)
  records_view_10k.jsonl   W1: the first 10,000 of them
  models.jsonl             W2: 200 table schemas, raw
  models_view.jsonl        W2: + view fields
  bigpage.jsonl            W3: one record, 50,000 rows (the same file serves every engine)
"""
import json, os, random, sys

OUT = sys.argv[1] if len(sys.argv) > 1 else "data"
if OUT.startswith("-"):
    sys.exit(__doc__.strip() if OUT == "--help" else "gen.py: %s is no directory" % OUT)
os.makedirs(OUT, exist_ok=True)

def dump(o):
    return json.dumps(o, ensure_ascii=False, separators=(",", ":"))

# ---------------------------------------------------------------- W1 prompts
FIRST = ["Anna", "Zoë", "Jürgen", "Marta", "Łukasz", "Søren", "Chloé", "Ivan", "Олена", "Дмитрий",
         "José", "Inês", "Noah", "Grace", "花子", "太郎", "Minh", "Ngọc", "Ahmed", "Fátima", "Liam",
         "Olivia", "Björn", "Ελένη", "Niamh", "Ravi", "Priya", "Wei", "Emma", "Oscar"]
LAST = ["Müller", "O'Brien", "Smith", "García", "Nowak", "Jensen", "Dupont", "Petrov", "Шевченко",
        "Silva", "田中", "Nguyễn", "Hassan", "Johansson", "Papadopoulos", "Kowalski", "Brown", "Singh",
        "Li", "Rossi", "Van der Berg", "Novák", "Larsen", "Costa"]
LANGS = ["en", "de", "fr", "pl", "es", "pt", "ru", "uk", "ja", "vi", "el", "it", "cs", "da"]
CITIES = [("Berlin", "Germany"), ("Zürich", "Switzerland"), ("São Paulo", "Brazil"), ("Kraków", "Poland"),
          ("København", "Denmark"), ("Paris", "France"), ("Málaga", "Spain"), ("Київ", "Ukraine"),
          ("東京", "Japan"), ("Hà Nội", "Vietnam"), ("Lisbon", "Portugal"), ("New York", "United States"),
          ("London", "United Kingdom"), ("Αθήνα", "Greece"), ("Brno", "Czechia"), ("Roma", "Italy")]
TAGS = ["billing", "refund", "login", "mobile", "api", "export", "import", "search", "r&d", "beta",
        "invoice", "security", "2fa", "webhook", "latency", "dashboard", "<script>", "i18n", "größe",
        "café", "onboarding", "quota", "sso", "backup", "migration", "printing"]
WORDS = ("the a my your this that order invoice account page button screen report file server key "
         "password device update version team project customer message table column filter export "
         "import total price error warning limit week month yesterday today again still never always "
         "opens closes loads shows fails works returns changes saves deletes moves stops starts needs "
         "very quite slowly quickly correctly twice once before after during without with from into "
         "because when while although unless and but or not please thanks maybe").split()
SPICE = ["naïve", "déjà vu", "größer", "façade", "<b>bold</b>", "A & B", "x < y", "\"quoted\"", "it's",
         "5 > 3", "C:\\temp", "日本語", "привет", "→ next", "…", "ok 👍", "tab\tbed", "100 %", "{braces}", "μs"]
ROLES = ["user", "assistant"]

def sentence(r):
    n = r.randint(8, 20)
    w = [r.choice(WORDS) for _ in range(n)]
    if r.random() < 0.35:
        w[r.randrange(1, n)] = r.choice(SPICE)
    s = " ".join(w)
    return s[0].upper() + s[1:] + r.choice([".", ".", ".", "?", "!"])

def w1(n):
    r = random.Random(20240801)
    for i in range(1, n + 1):
        city, country = r.choice(CITIES)
        k = r.randrange(0, 100) * 10 + r.randrange(1, 10)      # one decimal, never .0
        rec = {
            "id": "rec-%06d" % i,
            "name": r.choice(FIRST) + " " + r.choice(LAST),
            "language": r.choice(LANGS),
            "tier": r.choice(["free", "free", "free", "pro", "pro", "enterprise"]),
            "score": k / 10,
            "tags": r.sample(TAGS, r.randint(3, 8)),
            "profile": {"city": city, "country": country, "age": r.randint(18, 90),
                        "verified": r.random() < 0.6},
        }
        if r.random() < 0.5:
            rec["profile"]["nickname"] = r.choice(FIRST).lower() + str(r.randint(1, 99))
        rec["history"] = [{"role": ROLES[j % 2], "content": sentence(r)}
                          for j in range(r.randint(3, 10))]
        yield rec

def w1_view(rec):
    v = dict(rec)
    v["id_json"] = json.dumps(rec["id"])
    v["language_upper"] = rec["language"].upper()
    v["city_upper"] = rec["profile"]["city"].upper()
    for t in ("free", "pro", "enterprise"):
        v["is_" + t] = rec["tier"] == t
    v["prio_high"] = rec["score"] > 75
    v["prio_normal"] = 40 < rec["score"] <= 75
    v["prio_low"] = rec["score"] <= 40
    p = dict(rec["profile"])
    p["unverified"] = not p["verified"]
    p["no_nickname"] = "nickname" not in p
    v["profile"] = p
    v["tags_joined"] = ", ".join(rec["tags"])
    v["tags_count"] = len(rec["tags"])
    v["tags_many"] = len(rec["tags"]) > 5
    n = len(rec["tags"])
    v["tags_v"] = [{"t": t, "comma": j < n - 1} for j, t in enumerate(rec["tags"])]
    v["history_count"] = len(rec["history"])
    n = len(rec["history"])
    v["history"] = [{"role": m["role"], "content": m["content"], "role_upper": m["role"].upper(),
                     "index": j + 1, "last": j == n - 1} for j, m in enumerate(rec["history"])]
    return v

def write_records(n):
    with open(OUT + "/records.jsonl", "w", encoding="utf-8") as a, \
         open(OUT + "/records_10k.jsonl", "w", encoding="utf-8") as b:
        for i, rec in enumerate(w1(n)):
            s = dump(rec) + "\n"
            a.write(s)
            if i < 10000:
                b.write(s)

def write_w1():
    with open(OUT + "/records.jsonl", "w", encoding="utf-8") as a, \
         open(OUT + "/records_10k.jsonl", "w", encoding="utf-8") as b, \
         open(OUT + "/records_view.jsonl", "w", encoding="utf-8") as c, \
         open(OUT + "/records_view_10k.jsonl", "w", encoding="utf-8") as d:
        for i, rec in enumerate(w1(100000)):
            s = dump(rec) + "\n"
            t = dump(w1_view(rec)) + "\n"
            a.write(s); c.write(t)
            if i < 10000:
                b.write(s); d.write(t)

# ---------------------------------------------------------------- W2 models
COLS = [("integer", "number"), ("bigint", "number"), ("varchar(255)", "string"), ("text", "string"),
        ("boolean", "boolean"), ("timestamp", "Date"), ("date", "Date"), ("decimal(10,2)", "number"),
        ("uuid", "string"), ("jsonb", "Record<string, unknown>")]
NOUN = ("user order invoice product category comment ticket message team project task label file folder "
        "payment refund address country region shipment warehouse supplier contract report device sensor "
        "event session token role permission group article page image video playlist track album artist").split()
ADJ = ("active archived billing default external final global hidden initial internal last linked local main "
       "manual next open parent primary public queued remote source shared target total").split()
ATTR = ("name title status amount count rate body slug code kind position started_at ended_at created_at "
        "updated_at price weight height color size owner_id parent_id notes summary locale").split()

def camel(s):
    return "".join(p.capitalize() for p in s.split("_"))

def default_for(r, ts):
    if r.random() < 0.5:
        return None
    return {"number": str(r.randint(0, 99)), "string": '"' + r.choice(ADJ) + '"', "boolean": r.choice(["true", "false"]),
            "Date": "new Date()"}.get(ts)

def w2(n):
    r = random.Random(20240802)
    for i in range(1, n + 1):
        base = r.choice(ADJ) + "_" + r.choice(NOUN) + "_%d" % i
        cols, seen = [], set()
        for _ in range(r.randint(8, 25)):
            nm = r.choice(ADJ) + "_" + r.choice(ATTR)
            if nm in seen:
                continue
            seen.add(nm)
            st, ts = r.choice(COLS)
            c = {"name": nm, "sql_type": st, "ts_type": ts, "nullable": r.random() < 0.4}
            c["default"] = default_for(r, ts)
            cols.append(c)
        while len(cols) < 8:
            cols.append({"name": "extra_%d" % len(cols), "sql_type": "text", "ts_type": "string", "nullable": True, "default": None})
        def rel(lo, hi):
            out = []
            for nm in r.sample(NOUN, r.randint(lo, hi)):
                out.append({"name": nm, "class_name": camel(nm), "key": nm + "_id"})
            return out
        yield {"table": base + "s", "class_name": camel(base), "columns": cols, "belongs_to": rel(0, 4),
               "has_many": rel(0, 5),
               "polymorphic": [{"name": nm, "type_key": nm + "_type", "id_key": nm + "_id",
                                "targets": [camel(x) for x in r.sample(NOUN, r.randint(2, 4))]}
                               for nm in r.sample(["commentable", "ownable", "taggable", "likeable"], r.randint(0, 2))]}

def w2_view(rec):
    v = dict(rec)
    n = len(rec["columns"])
    v["columns_count"] = n
    v["columns"] = [dict(c, sql_upper=c["sql_type"].upper(), not_null=not c["nullable"], has_default=c["default"] is not None,
                         no_default=c["default"] is None, comma=j < n - 1)
                    for j, c in enumerate(rec["columns"])]
    for k in ("belongs_to", "has_many", "polymorphic"):
        v["any_" + k] = len(rec[k]) > 0
        v["n_" + k] = len(rec[k])
    v["no_belongs_to"] = not rec["belongs_to"]
    v["polymorphic"] = [dict(p, targets_joined=" | ".join(p["targets"])) for p in rec["polymorphic"]]
    return v

def write_w2():
    with open(OUT + "/models.jsonl", "w", encoding="utf-8") as a, open(OUT + "/models_view.jsonl", "w", encoding="utf-8") as c:
        for rec in w2(200):
            a.write(dump(rec) + "\n")
            c.write(dump(w2_view(rec)) + "\n")

# ---------------------------------------------------------------- W3 bigpage
# Escaped values hold only < > & as special characters: every engine escapes these three the same way
# (quotes, '/', '=' and '`' are escaped differently from engine to engine).
W3SPICE = ["<b>", "A & B", "x < y", "5 > 3", "größer", "日本", "R&D", "<none>", "—", "naïve"]

def write_w3():
    r = random.Random(20240803)
    rows = []
    for i in range(1, 50001):
        name = (r.choice(FIRST) + " " + r.choice(LAST)).replace("'", "")
        words = [r.choice(WORDS) for _ in range(r.randint(4, 12))]
        if r.random() < 0.5:
            words[r.randrange(len(words))] = r.choice(W3SPICE)
        k = r.randrange(1, 100000) * 10 + r.randrange(1, 10)
        active = r.random() < 0.7
        rows.append({"id": i, "name": name, "email": "user%d@example.org" % i, "note": " ".join(words),
                     "amount": k / 10, "qty": r.randint(1, 500), "active": active, "inactive": not active})
    with open(OUT + "/bigpage.jsonl", "w", encoding="utf-8") as f:
        f.write(dump({"title": "Orders & returns <2024>", "row_count": len(rows), "rows": rows}) + "\n")

if len(sys.argv) > 2:
    write_records(int(sys.argv[2]))
else:
    write_w1(); write_w2(); write_w3()
