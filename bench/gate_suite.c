// SPDX-License-Identifier: MIT
#include "bench/gate_suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "stages/record/document.h"

enum { SUITE_MOST = 1 << 20, SECONDS_MOST = 86400, BUDGET_USUAL = 20, ACCEPTED_MOST = 64 };
static const double scale_usual = 0.1, scale_most = 1000, limit_usual = 0.1;

// Sizes at which a run takes about a tenth of a second of one CPU.
const char gate_suite_standard[] = "name: standard\n"
                                   "benchmarks:\n"
                                   "  small: { scenario: small, scale: 0.1 }\n"
                                   "  medium: { scenario: medium, scale: 0.12 }\n"
                                   "  large: { scenario: large, scale: 0.15 }\n"
                                   "  polymorphic: { scenario: polymorphic, scale: 0.12 }\n"
                                   "  prompts: { scenario: prompts, scale: 0.15 }\n"
                                   "  page: { scenario: page, scale: 1 }\n"
                                   "  noop: { scenario: noop, scale: 0.2, state: warm }\n"
                                   "  expensive: { scenario: expensive, scale: 0.03 }\n"
                                   "  repeats: { scenario: repeats, scale: 0.03 }\n"
                                   "  slow: { scenario: slow, scale: 0.2 }\n"
                                   "  skewed: { scenario: skewed, scale: 0.08 }\n"
                                   "  tiny: { scenario: tiny, scale: 0.3 }\n";

// ---- reading values

struct reader {
    struct gate_suite *suite;
    struct diags *diags;
    struct gate_benchmark usual;     // what holds where a benchmark says nothing else
    struct gate_benchmark *filling;  // the benchmark that keys are of
    const struct document_node *all; // benchmarks
};

static const char *keep(struct reader *r, struct str text) {
    return document_text(&r->suite->arena, text).p;
}

static void refuse(struct reader *r, struct span span, const char *key, const char *expected,
                   const struct document_node *found) {
    if (found)
        diags_error(r->diags, &r->suite->text, span, "\"%s\": expected %s, found %s", key, expected,
                    document_describe(found));
    else
        diags_error(r->diags, &r->suite->text, span, "\"%s\": expected %s", key, expected);
}

static const char *get_text(struct reader *r, const char *key, const struct document_node *node) {
    if (node->kind == DOCUMENT_TEXT && node->text.n)
        return keep(r, node->text);
    refuse(r, node->span, key, "a text", node);
    return "";
}

static bool get_flag(struct reader *r, const char *key, const struct document_node *node) {
    if (node->kind != DOCUMENT_BOOL)
        refuse(r, node->span, key, "true or false", node);
    return node->kind == DOCUMENT_BOOL && node->boolean;
}

static uint32_t get_count(struct reader *r, const char *key, const struct document_node *node, uint32_t min,
                          uint32_t max) {
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number from %u to %u", (unsigned)min, (unsigned)max);
    if (node->kind == DOCUMENT_INT && node->integer >= min && node->integer <= max)
        return (uint32_t)node->integer;
    refuse(r, node->span, key, expected, node->kind == DOCUMENT_INT ? NULL : node);
    return min;
}

static double get_number(struct reader *r, const char *key, const struct document_node *node, double most) {
    char expected[64];
    double x = node->kind == DOCUMENT_INT     ? (double)node->integer
               : node->kind == DOCUMENT_FLOAT ? node->real
                                              : 0;
    snprintf(expected, sizeof expected, "a number above 0, at most %g", most);
    if (x > 0 && x <= most)
        return x;
    refuse(r, node->span, key, expected,
           node->kind == DOCUMENT_INT || node->kind == DOCUMENT_FLOAT ? NULL : node);
    return most;
}

// One of some words, as its number.
static size_t get_word(struct reader *r, const char *key, const struct document_node *node,
                       const char *(*word)(size_t n)) {
    size_t chosen = 0;
    struct err err;
    const char *text = get_text(r, key, node);
    if (*text && suggest_choose(key, str_of(text), word, &chosen, &err) != STATUS_OK)
        diags_error(r->diags, &r->suite->text, node->span, "%s", err.text);
    return chosen;
}

static const char *metric_word(size_t n) {
    return n < PAIRED_METRICS ? paired_metric_name((enum paired_metric)n) : NULL;
}

static const char *scenario_word(size_t n) {
    return scenarios[n].name;
}

static const char *state_word(size_t n) {
    static const char *const words[] = {"cold", "warm", NULL};
    return words[n];
}

static void read_accepted(struct reader *r, struct gate_benchmark *b, const struct document_node *node) {
    if (node->kind != DOCUMENT_LIST || node->entries_n > ACCEPTED_MOST) {
        refuse(r, node->span, "accept", "a list of work counters", node);
        return;
    }
    const char **accepted =
        document_alloc(&r->suite->arena, sizeof *accepted * ((size_t)node->entries_n + 1));
    b->accepted = accepted;
    b->accepted_n = 0;
    for (const struct document_entry *e = node->entries; e; e = e->next) {
        const char *name = get_text(r, "accept", e->value);
        if (*name && !work_is_counter(name))
            diags_error(r->diags, &r->suite->text, e->value->span, "no work counter is called \"%s\"", name);
        accepted[b->accepted_n++] = name;
    }
}

// ---- what a benchmark is of

static void set_of(struct reader *r, const struct document_entry *e, enum gate_kind kind) {
    struct gate_benchmark *b = r->filling;
    if (b->of)
        diags_error(r->diags, &r->suite->text, e->key_span,
                    "\"%s\": there can be only one of scenario, manifest, command and regret", b->name);
    b->kind = kind;
    b->of = get_text(r, gate_kinds[kind], e->value);
}

static const char *beside(struct reader *r, const char *path) {
    const char *directory = r->suite->directory;
    if (path[0] == '/' || strcmp(directory, ".") == 0)
        return path;
    const char *joined = arena_printf(&r->suite->arena, "%s/%s", directory, path);
    if (!joined)
        mem_fail(strlen(path));
    return joined;
}

static void read_scenario(struct reader *r, const struct document_entry *e) {
    set_of(r, e, GATE_SCENARIO);
    r->filling->scenario = &scenarios[get_word(r, "scenario", e->value, scenario_word)];
    if (r->filling->scenario->flags & SCENARIO_TOUCH_ONE)
        diags_error(r->diags, &r->suite->text, e->value->span,
                    "%s changes its records between two runs, and a gate does not", r->filling->of);
}

static void read_manifest(struct reader *r, const struct document_entry *e) {
    set_of(r, e, GATE_MANIFEST);
    r->filling->manifest = beside(r, r->filling->of);
}

// Of a scenario by name, or of a manifest.
static void read_regret(struct reader *r, const struct document_entry *e) {
    set_of(r, e, GATE_REGRET);
    r->filling->scenario = scenario_find(str_of(r->filling->of));
    if (!r->filling->scenario)
        r->filling->manifest = beside(r, r->filling->of);
}

static void read_command(struct reader *r, const struct document_entry *e) {
    set_of(r, e, GATE_COMMAND);
}

// ---- the keys

static void read_baseline(struct reader *r, const struct document_entry *e) {
    r->filling->baseline = get_text(r, "baseline", e->value);
}
static void read_scale(struct reader *r, const struct document_entry *e) {
    r->filling->scale = get_number(r, "scale", e->value, scale_most);
}
static void read_state(struct reader *r, const struct document_entry *e) {
    r->filling->warm = get_word(r, "state", e->value, state_word) == 1;
}
static void read_metric(struct reader *r, const struct document_entry *e) {
    r->filling->metric = (enum paired_metric)get_word(r, "metric", e->value, metric_word);
    r->filling->metric_given = true;
}
static void read_accept(struct reader *r, const struct document_entry *e) {
    read_accepted(r, r->filling, e->value);
}
static void read_ignored(struct reader *r, const struct document_entry *e) {
    r->filling->ignores_output = get_flag(r, "ignore_output", e->value);
}
static void read_pairs(struct reader *r, const struct document_entry *e) {
    r->filling->pairs = get_count(r, "pairs", e->value, 1, VERDICT_PAIRS);
}
static void read_seconds(struct reader *r, const struct document_entry *e) {
    r->filling->seconds = get_count(r, "seconds", e->value, 1, SECONDS_MOST);
}
static void read_budget(struct reader *r, const struct document_entry *e) {
    r->filling->budget = get_count(r, "budget", e->value, 1, SECONDS_MOST);
}
static void read_limit(struct reader *r, const struct document_entry *e) {
    r->filling->limit = get_number(r, "limit", e->value, 10);
}
static void read_name(struct reader *r, const struct document_entry *e) {
    r->suite->name = get_text(r, "name", e->value);
}
static void read_seed(struct reader *r, const struct document_entry *e) {
    r->suite->seed = get_count(r, "seed", e->value, 0, UINT32_MAX);
}
static void read_control(struct reader *r, const struct document_entry *e) {
    r->suite->has_control = e->value->kind != DOCUMENT_BOOL || e->value->boolean;
    r->suite->control = e->value->kind == DOCUMENT_BOOL ? NULL : get_text(r, "control", e->value);
}
static void read_benchmarks(struct reader *r, const struct document_entry *e) {
    r->all = e->value;
}

enum { OF_SUITE = 1, OF_BENCHMARK = 2 };
static const struct key {
    const char *name;
    int of;
    void (*read)(struct reader *r, const struct document_entry *e);
} keys[] = {
    {"name", OF_SUITE, read_name},
    {"seed", OF_SUITE, read_seed},
    {"control", OF_SUITE, read_control},
    {"benchmarks", OF_SUITE, read_benchmarks},
    {"scenario", OF_BENCHMARK, read_scenario},
    {"manifest", OF_BENCHMARK, read_manifest},
    {"command", OF_BENCHMARK, read_command},
    {"regret", OF_BENCHMARK, read_regret},
    {"baseline", OF_BENCHMARK, read_baseline},
    {"state", OF_BENCHMARK, read_state},
    {"scale", OF_SUITE | OF_BENCHMARK, read_scale},
    {"metric", OF_SUITE | OF_BENCHMARK, read_metric},
    {"accept", OF_SUITE | OF_BENCHMARK, read_accept},
    {"ignore_output", OF_SUITE | OF_BENCHMARK, read_ignored},
    {"pairs", OF_SUITE | OF_BENCHMARK, read_pairs},
    {"seconds", OF_SUITE | OF_BENCHMARK, read_seconds},
    {"budget", OF_SUITE | OF_BENCHMARK, read_budget},
    {"limit", OF_SUITE | OF_BENCHMARK, read_limit},
};
enum { KEYS = sizeof keys / sizeof *keys };

static void read_keys(struct reader *r, const struct document_node *mapping, int of) {
    for (const struct document_entry *e = mapping->entries; e; e = e->next) {
        struct suggestion suggestion = suggest_for(e->key);
        const struct key *found = NULL;
        for (size_t i = 0; i < KEYS; i++) {
            if (keys[i].of & of && str_is(e->key, keys[i].name))
                found = &keys[i];
            if (keys[i].of & of)
                suggest_offer(&suggestion, str_of(keys[i].name));
        }
        if (found) {
            found->read(r, e);
            continue;
        }
        struct diag *d =
            diags_error(r->diags, &r->suite->text, e->key_span, "unknown key \"%.*s\"", STR_ARG(e->key));
        if (suggestion.best.p)
            diag_hint(r->diags, d, "did you mean \"%.*s\"?", STR_ARG(suggestion.best));
    }
}

// ---- benchmarks

static bool is_name(struct str text) {
    bool fine = text.n > 0 && text.n <= GATE_NAME_MOST;
    for (size_t i = 0; i < text.n && fine; i++)
        fine = (unsigned char)text.p[i] > ' ' && text.p[i] != 127 && text.p[i] != '/';
    return fine;
}

static void check_benchmark(struct reader *r, const struct gate_benchmark *b, struct span span) {
    struct diags *diags = r->diags;
    const struct source_text *text = &r->suite->text;
    if (!b->of)
        diags_error(diags, text, span, "\"%s\" needs a scenario, a manifest, a command or a regret", b->name);
    else if (b->baseline && b->kind != GATE_COMMAND)
        diags_error(diags, text, span, "\"%s\": only a command can have a baseline of its own", b->name);
    else if (b->warm && b->kind != GATE_SCENARIO && b->kind != GATE_MANIFEST)
        diags_error(diags, text, span, "\"%s\": only a scenario or a manifest can be warm", b->name);
}

static void add_benchmark(struct reader *r, const struct document_entry *e) {
    struct gate_suite *suite = r->suite;
    struct gate_benchmark *b = &suite->benchmarks[suite->n];
    *b = r->usual;
    b->name = keep(r, e->key);
    if (!is_name(e->key) || str_is(e->key, gate_kinds[GATE_CONTROL])) {
        diags_error(r->diags, &suite->text, e->key_span,
                    "\"%.*s\" is no name: up to %d bytes without spaces and \"/\", but \"control\"",
                    (int)(e->key.n < 200 ? e->key.n : 200), e->key.p, GATE_NAME_MOST);
        return;
    }
    if (e->value->kind != DOCUMENT_MAPPING) {
        refuse(r, e->value->span, b->name, "a mapping", e->value);
        return;
    }
    r->filling = b;
    read_keys(r, e->value, OF_BENCHMARK);
    check_benchmark(r, b, e->key_span);
    suite->n++;
}

static bool has_benchmark(const struct gate_suite *suite, const char *name) {
    for (size_t i = 0; i < suite->n; i++)
        if (strcmp(suite->benchmarks[i].name, name) == 0)
            return true;
    return false;
}

static void take_root(struct reader *r, const struct document_node *root) {
    struct gate_suite *suite = r->suite;
    if (root->kind != DOCUMENT_MAPPING) {
        refuse(r, root->span, "suite", "a mapping", root);
        return;
    }
    r->filling = &r->usual;
    read_keys(r, root, OF_SUITE);
    if (!r->all || r->all->kind != DOCUMENT_MAPPING || !r->all->entries_n ||
        r->all->entries_n > GATE_BENCHMARKS_MOST) {
        char expected[64];
        snprintf(expected, sizeof expected, "a mapping of 1 to %d benchmarks", GATE_BENCHMARKS_MOST);
        refuse(r, r->all ? r->all->span : (struct span){0, 0}, "benchmarks", expected, r->all);
        return;
    }
    suite->benchmarks = document_alloc(&suite->arena, sizeof *suite->benchmarks * (size_t)r->all->entries_n);
    for (const struct document_entry *e = r->all->entries; e; e = e->next)
        add_benchmark(r, e);
    if (suite->control && !has_benchmark(suite, suite->control))
        diags_error(r->diags, &suite->text, (struct span){0, 0}, "\"control\": there is no benchmark \"%s\"",
                    suite->control);
}

// ---- the whole

static const char *directory_of(struct gate_suite *suite, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return document_text(&suite->arena, (struct str){path, slash == path ? 1 : (size_t)(slash - path)}).p;
}

bool gate_suite_read(struct gate_suite *suite, const char *name, struct str text, struct diags *diags) {
    *suite = (struct gate_suite){.seed = 1, .has_control = true};
    arena_init(&suite->arena, 0);
    suite->text =
        (struct source_text){document_text(&suite->arena, str_of(name)), document_text(&suite->arena, text)};
    suite->name = suite->text.name.p;
    suite->directory = directory_of(suite, name);
    struct reader r = {
        .suite = suite,
        .diags = diags,
        .usual = {
            .scale = scale_usual, .seconds = GATE_SECONDS, .budget = BUDGET_USUAL, .limit = limit_usual}};
    size_t errors = diags->errors;
    bool json = str_ends(suite->text.name, STR(".json"));
    const struct document_node *root =
        (json ? document_read_json : document_read_yaml)(&suite->arena, &suite->text, diags);
    if (root)
        take_root(&r, root);
    else if (diags->errors == errors)
        diags_error(diags, &suite->text, (struct span){0, 0}, "there is nothing in it");
    return diags->errors == errors;
}

bool gate_suite_open(struct gate_suite *suite, const struct fs *fs, const char *path, struct diags *diags) {
    struct err err;
    char *text;
    size_t size;
    *suite = (struct gate_suite){0};
    arena_init(&suite->arena, 0);
    if (fs_read_file(fs, path, SUITE_MOST, &text, &size, &err) != STATUS_OK) {
        diags_error(diags, NULL, (struct span){0, 0}, "%s", err.text);
        return false;
    }
    bool sound = gate_suite_read(suite, path, (struct str){text, size}, diags);
    mem_free(text);
    return sound;
}

void gate_suite_release(struct gate_suite *suite) {
    arena_release(&suite->arena);
    *suite = (struct gate_suite){0};
}

enum status gate_suite_select(struct gate_suite *suite, const char *const *names, size_t n, struct err *err) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        struct suggestion suggestion = suggest_for(str_of(names[i]));
        for (size_t k = 0; k < suite->n; k++)
            suggest_offer(&suggestion, str_of(suite->benchmarks[k].name));
        if (!has_benchmark(suite, names[i]))
            return err_set(err, STATUS_DATA, "suite \"%s\" has no benchmark \"%s\"%s%.*s%s", suite->name,
                           names[i], suggestion.best.p ? "; did you mean \"" : "", STR_ARG(suggestion.best),
                           suggestion.best.p ? "\"?" : "");
    }
    for (size_t i = 0; i < suite->n && n; i++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(suite->benchmarks[i].name, names[k]) == 0) {
                suite->benchmarks[left++] = suite->benchmarks[i];
                break;
            }
    suite->n = n ? left : suite->n;
    if (suite->control && !has_benchmark(suite, suite->control))
        suite->control = NULL;
    return STATUS_OK;
}
