// SPDX-License-Identifier: MIT
// Chats, notes, rows of a page, ledgers.
#include "bench/scenario_records.h"

#define PICK(r, words) scenario_pick((r), (words), sizeof(words) / sizeof *(words))

enum { KIND_CHAT = 1, KIND_NOTE, KIND_ROW, KIND_LEDGER, KIND_REPEATED, KIND_ACCOUNT };

static const char *const plain_words[] = {
    "river",   "morning", "ticket",  "garden",  "window", "copper", "signal",  "harbour", "letter",
    "station", "under",   "between", "without", "before", "slowly", "often",   "nearly",  "the",
    "a",       "some",    "every",   "this",    "finds",  "holds",  "returns", "opens",   "counts",
    "waits",   "moves",   "turns",   "keeps",   "and",    "or",     "but",     "because", "bright",
    "narrow",  "second",  "quiet",   "early",   "paper",  "number", "colour",  "engine"};
// As they stand in JSON.
static const char *const odd_words[] = {
    "caf\u00e9",  "M\u00fcnchen", "\u4eac\u90fd", "\u043c\u043e\u0440\u0435",
    "a < b",      "R & D",        "\\\"so\\\"",   "it's",
    "<em>",       "5 > 4",        "{set}",        "\u2026",
    "na\u00efve", "line\\nbreak", "\U0001f600",   "C:\\\\data"};
static const char *const first_names[] = {
    "Ada",   "Bj\u00f6rk", "Carlos", "Dana",      "Emre",
    "Farah", "Gia",        "Hugo",   "In\u00e9s", "\u042e\u043b\u0438\u044f",
    "Kenji", "Lena",       "Mateo",  "Nora"};
static const char *const last_names[] = {"Abel",    "Bianchi",      "Castillo", "Dvo\u0159\u00e1k",
                                         "Eriksen", "F\u00f6rster", "Gupta",    "Haddad",
                                         "O'Neill", "Kimura",       "Lopez",    "Marek"};
static const char *const cities[] = {"Lyon",  "Graz",    "Porto", "Gda\u0144sk", "Malm\u00f6",
                                     "Osaka", "Nairobi", "Lima",  "Cork",        "Tallinn"};
static const char *const tongues[] = {"en", "de", "fr", "ja", "pl", "pt", "sv", "es"};
static const char *const tiers[] = {"free", "free", "free", "plus", "plus", "business"};
static const char *const labels[] = {"billing", "login", "export", "search", "mobile",
                                     "quota",   "R&D",   "backup", "beta"};
static const char *const models_named[] = {"small-1", "medium-2", "large-3"};

struct random scenario_random(uint64_t seed, uint64_t kind, uint64_t i) {
    struct random r = {seed};
    r.state = random_next(&r) + kind;
    r.state = random_next(&r) + i;
    return (struct random){random_next(&r)};
}

const char *scenario_pick(struct random *r, const char *const *words, uint32_t n) {
    return words[random_below(r, n)];
}

void scenario_add_words(struct random *r, uint32_t n, struct buf *out) {
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(out, ' ');
        buf_add_text(out, random_below(r, 20) == 0 ? PICK(r, odd_words) : PICK(r, plain_words));
    }
}

// Each draws once: in what order a call's arguments are evaluated is the compiler's choice.
static void add_picked(struct random *r, const char *before, const char *const *words, uint32_t n,
                       const char *after, struct buf *out) {
    buf_add_text(out, before);
    buf_add_text(out, scenario_pick(r, words, n));
    buf_add_text(out, after);
}
#define ADD_PICKED(r, before, words, after, out)                                                             \
    add_picked((r), (before), (words), sizeof(words) / sizeof *(words), (after), (out))

static void add_number(struct random *r, const char *before, uint32_t first, uint32_t n, struct buf *out) {
    buf_printf(out, "%s%u", before, (unsigned)(first + random_below(r, n)));
}

static void add_name(struct random *r, struct buf *out) {
    ADD_PICKED(r, "\"name\":\"", first_names, " ", out);
    ADD_PICKED(r, "", last_names, "\"", out);
}

static void add_labels(struct random *r, uint32_t n, struct buf *out) {
    buf_add_text(out, "[");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, "%s\"%s\"", i ? "," : "", PICK(r, labels));
    buf_add_text(out, "]");
}

void scenario_write_chats(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                          struct buf *out) {
    (void)shape;
    struct random r = scenario_random(seed + touched, KIND_CHAT, i);
    buf_printf(out, "{\"id\":\"chat-%07llu\"", (unsigned long long)i);
    ADD_PICKED(&r, ",\"model\":\"", models_named, "\"", out);
    add_number(&r, ",\"temperature\":", 0, 2, out);
    add_number(&r, ".", 1, 9, out);
    buf_add_text(out, ",\"customer\":{");
    add_name(&r, out);
    ADD_PICKED(&r, ",\"city\":\"", cities, "\"", out);
    ADD_PICKED(&r, ",\"language\":\"", tongues, "\"", out);
    ADD_PICKED(&r, ",\"tier\":\"", tiers, "\"", out);
    add_number(&r, ",\"since\":", 2005, 20, out);
    if (random_below(&r, 2))
        ADD_PICKED(&r, ",\"nickname\":\"", first_names, "\"", out);
    buf_add_text(out, "},\"labels\":");
    add_labels(&r, 2 + random_below(&r, 5), out);
    buf_add_text(out, ",\"messages\":[");
    uint32_t messages = 3 + random_below(&r, 8);
    for (uint32_t m = 0; m < messages; m++) {
        buf_printf(out, "%s{\"role\":\"%s\",\"content\":\"", m ? "," : "", m % 2 ? "assistant" : "user");
        scenario_add_words(&r, 8 + random_below(&r, 14), out);
        buf_add_text(out, "\"}");
    }
    buf_add_text(out, "]}");
}

void scenario_write_notes(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                          struct buf *out) {
    (void)shape;
    struct random r = scenario_random(seed + touched, KIND_NOTE, i);
    buf_printf(out, "{\"id\":%llu,\"title\":\"", (unsigned long long)i);
    scenario_add_words(&r, 3 + random_below(&r, 4), out);
    buf_add_text(out, "\",\"author\":{");
    add_name(&r, out);
    ADD_PICKED(&r, ",\"city\":\"", cities, "\"}", out);
    buf_printf(out, ",\"draft\":%s,\"labels\":", random_below(&r, 5) ? "false" : "true");
    add_labels(&r, 1 + random_below(&r, 3), out);
    buf_add_text(out, ",\"body\":\"");
    scenario_add_words(&r, 20 + random_below(&r, 20), out);
    buf_add_text(out, "\"}");
}

void scenario_write_rows(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                         struct buf *out) {
    (void)shape;
    struct random r = scenario_random(seed + touched, KIND_ROW, i);
    buf_printf(out, "{\"number\":%llu,", (unsigned long long)i + 1);
    add_name(&r, out);
    ADD_PICKED(&r, ",\"city\":\"", cities, "\"", out);
    add_number(&r, ",\"amount\":", 0, 10000, out);
    add_number(&r, ".", 1, 9, out);
    buf_printf(out, ",\"paid\":%s,\"remark\":\"", random_below(&r, 3) ? "true" : "false");
    scenario_add_words(&r, 4 + random_below(&r, 8), out);
    buf_add_text(out, "\"}");
}

static void add_entries(struct random *r, uint64_t id, uint32_t n, struct buf *out) {
    static const struct scenario_shape any = {0};
    buf_printf(out, "{\"id\":%llu,\"owner\":{", (unsigned long long)id);
    add_name(r, out);
    buf_add_text(out, "},\"entries\":[");
    for (uint32_t e = 0; e < n; e++) {
        if (e)
            buf_add_char(out, ',');
        scenario_write_rows(&any, random_next(r), e, false, out);
    }
    buf_add_text(out, "]}");
}

void scenario_write_ledgers(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                            struct buf *out) {
    enum { ENTRIES = 500 };
    (void)shape;
    struct random r = scenario_random(seed + touched, KIND_LEDGER, i);
    add_entries(&r, i, ENTRIES, out);
}

// One of so many ledgers, id and all.
void scenario_write_repeated_ledgers(const struct scenario_shape *shape, uint64_t seed, uint64_t i,
                                     bool touched, struct buf *out) {
    struct random r = scenario_random(seed + touched, KIND_REPEATED, i);
    scenario_write_ledgers(shape, seed, random_below(&r, shape->kinds), touched, out);
}

// Each size takes as many bytes, together, as any other.
void scenario_write_accounts(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                             struct buf *out) {
    enum { LEAST = 4, DOUBLINGS = 12 };
    (void)shape;
    struct random r = scenario_random(seed + touched, KIND_ACCOUNT, i);
    uint32_t doublings = 0;
    while (doublings < DOUBLINGS && random_below(&r, 2))
        doublings++;
    add_entries(&r, i, (uint32_t)LEAST << doublings, out);
}
