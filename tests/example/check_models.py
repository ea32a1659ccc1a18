#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_models.py PRESSRUN EXAMPLE: runs the models example, and holds what it makes against its database and TypeScript; and the
same of PRESSRUN_SCHEMAS databases that have in their names, types, keys and values what nobody would design. Without the variable
these are 20, and whether what is made of them is TypeScript is asked of the parser alone.

Where there is no TypeScript (node, and Debian's node-typescript) that part alone is skipped, and said so.
"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "support")]
import check_schemas  # noqa: E402
import relations  # noqa: E402
import support  # noqa: E402

# How the classes are used: what compiles, what must not, and what they do.
USE = """
import * as assert from "./assert";
import { Comment, Order, OrderLine, Parcel, Person, Photo, Product, Tag, problems } from "./index";

const product: Product.Row = {
  id: 1, sku: "BR-00017", name: "Brake pad", price: PRICE, weight: null, active: ACTIVE, details: null, drawing: null,
};
// @ts-expect-error: a product has a name
const nameless: Product.Row = { id: 1, sku: "BR-00017" };
const line: OrderLine = new OrderLine({ order_id: 1, line_no: 1, product_id: 1, quantity: 2, price: PRICE, total: null });
line.product = new Product(product);
// @ts-expect-error: a line belongs to an order, not to a product
line.order = new Product(product);
const person: Person = new Person({ id: 3, name: "Chiara", email: null, born: null, mentor_id: null });
person.peopleAsMentor = [person];
person.orders = [];
const parcel: Parcel = new Parcel({ id: 1, tracking: "CH-99", item_order_id: 1, item_line_no: 1, sent_at: null });
parcel.item = line;
line.parcels = [parcel];
const key: readonly string[] = OrderLine.primaryKey;
assert.equal(key.join(), "order_id,line_no");
assert.equal(nameless.id, 1);

const comment = new Comment({
  id: 1, author_id: 3, commentable_type: "Order", commentable_id: 7, body: "", created_at: CREATED,
});
const subject = comment.commentable;
assert.equal(subject && subject.type, "Order");
assert.equal(subject && subject.id, 7);
if (subject && subject.type === "Order") {
  const order: Order | undefined = subject.record;
  assert.equal(order, undefined);
  // @ts-expect-error: it is not a product
  const other: Product | undefined = subject.record;
  assert.equal(other, undefined);
}
assert.equal(new Comment({ ...comment, author_id: 3, created_at: CREATED, commentable_type: "?", commentable_id: 7 }).commentable, null);

const photo = new Photo({ id: 3, imageable_type: "products", imageable_id: 1, url: "", caption: null });
assert.equal(photo.imageable && photo.imageable.type, "Product");

function said(found: { field: string; message: string }[]): string {
  return found.map((problem) => problem.field + " " + problem.message).join("; ");
}
assert.equal(said(Product.problems({ sku: "BR-00017", name: "Brake pad", price: PRICE })), "");
assert.equal(said(Product.problems({ sku: "BR-000177", price: PRICE, name: null })),
             "sku has more than 8 characters; name must not be null");
assert.equal(said(Product.problems({ sku: 17, name: "x", weight: "light" })),
             "sku must be a text; price is missing; weight must be a number");
assert.equal(said(OrderLine.problems({ order_id: 1, line_no: 1, product_id: 1, price: PRICE, total: PRICE })),
             "total is computed by the database");
assert.equal(said(problems(Tag.fields, { name: "x".repeat(31) })), "name has more than 30 characters");
const moods = { mood: { sql: "mood", type: "string", choices: ["sad", "happy"] } };
assert.equal(said(problems(moods, { mood: "happy" })), "");
assert.equal(said(problems(moods, { mood: "angry" })), "mood must be one of sad, happy");
assert.equal(Person.relations.filter((relation) => relation.table === "orders").map((relation) => relation.kind).join(), "has_many");
"""
ASSERT = """
export function equal(a: unknown, b: unknown): void {
  if (a !== b) throw new Error(String(a) + " instead of " + String(b));
}
"""
# A value of the mapped type.
VALUES = {"number": "14.9", "string": '"14.90"', "boolean": "true", "Date": "new Date(0)", "bigint": "BigInt(1)"}


def run(pressrun, *arguments):
    done = subprocess.run([pressrun, "run", "--json", *arguments], capture_output=True, text=True, env=support.environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check_database(example):
    """workshop.db is what workshop.sql makes."""
    made, kept = sqlite3.connect(":memory:"), sqlite3.connect("file:%s?mode=ro" % os.path.join(example, "workshop.db"), uri=True)
    with open(os.path.join(example, "workshop.sql"), encoding="utf-8") as file:
        made.executescript(file.read())
    assert list(made.iterdump()) == list(kept.iterdump()), "workshop.db is not what workshop.sql makes"
    assert not kept.execute("pragma foreign_key_check").fetchall()


def check_dictionary(out, records):
    with open(os.path.join(out, "dictionary.md"), encoding="utf-8") as file:
        text = file.read()
    diagram = text[text.index("erDiagram"):text.index("```", text.index("erDiagram"))]
    lines = [line.split() for line in diagram.splitlines()[1:]]
    assert sum(line[1:] == ["{"] for line in lines) == len(records)
    edges = sorted((line[2], line[0]) for line in lines if len(line) == 5 and "--" in line[1])
    assert edges == sorted((r["class_name"], b["class_name"]) for r in records for b in r["belongs_to"])
    for r in records:
        assert "## " + r["table"].replace("_", "\\_") in text, r["table"]
    assert text.count("\n| ") - 2 * len(records) == sum(len(r["columns"]) for r in records)


def write_use(out, records):
    types = {(r["table"], c["name"]): c["types"]["typescript"] for r in records for c in r["columns"]}
    use = USE
    for word, column in (("PRICE", ("products", "price")), ("ACTIVE", ("products", "active")), ("CREATED", ("comments", "created_at"))):
        use = use.replace(word, VALUES[types[column]])
    for name, text in (("use.ts", use), ("assert.ts", ASSERT)):
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            file.write(text)


def check_example(pressrun, example, scratch, one):
    two = os.path.join(scratch, "two")
    report = run(pressrun, "-C", example, "-o", one, "-j", "1")
    assert run(pressrun, "-C", example, "-o", two, "-j", "3")["digest"] == report["digest"]
    again = run(pressrun, "-C", example, "-o", one)
    assert (again["written"], again["rendered"], again["digest"]) == (0, 0, report["digest"])
    return report


def main():
    pressrun, example = map(os.path.abspath, sys.argv[1:3])
    number = int(os.environ.get("PRESSRUN_SCHEMAS") or 0)
    check_database(example)
    with tempfile.TemporaryDirectory() as scratch:
        made, built, others = (os.path.join(scratch, name) for name in ("made", "built", "others"))
        report = check_example(pressrun, example, scratch, made)
        own = os.path.join(scratch, "own")
        os.mkdir(own)
        tables, pairs = check_schemas.make(pressrun, example, own, own, {"own": os.path.join(example, "workshop.db")})
        records = check_schemas.read_records(own, "own")
        assert report["rendered"] == len(records) + 3
        check_dictionary(made, records)
        write_use(made, records)
        counts = check_schemas.make_generated(pressrun, example, scratch, others, number or 20)
        is_there, told = check_schemas.typescript("emit", made, built, *([] if number else [others]))
        if is_there:
            used = subprocess.run(["node", os.path.join(built, "use.js")], capture_output=True, text=True)
            assert used.returncode == 0, used.stderr
        if number:
            told += "; " + check_schemas.typescript("check", others)[1]
    print("%d tables and views, %d pairs; of %d schemas %d and %d; %s; digest %s"
          % (tables, pairs, number or 20, *counts, told, report["digest"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
