// SPDX-License-Identifier: MIT
// What became of joins: figures, and what does not fit together, which is told but fails nothing.
#include <inttypes.h>

#include "base/mem.h"
#include "pipeline/run/run_join.h"

static const char *records(uint64_t n) {
    return n == 1 ? "record" : "records";
}

static void warn(struct run *run, const struct run_join_report *join, struct buf *text) {
    struct buf line = BUF_INIT;
    buf_printf(&line, "join %.*s of source %.*s: ", STR_ARG(join->name), STR_ARG(join->source));
    buf_add_str(&line, buf_str(text));
    run_warn(run, buf_text(&line));
    buf_release(&line);
    buf_clear(text);
}

// A list by a key that should be one record's alone; those by another one may well be shared, or not all be there.
static void tell_list(struct run *run, const struct run_join_report *join, struct str example) {
    struct buf text = BUF_INIT;
    if (join->lost) {
        buf_printf(&text, "%" PRIu64 " %s of %.*s %s to no record, the first with the key %.*s", join->lost,
                   records(join->lost), STR_ARG(join->from), join->lost == 1 ? "belongs" : "belong",
                   STR_ARG(example));
        warn(run, join, &text);
    }
    if (join->shared) {
        buf_printf(&text, "%" PRIu64 " %s several records have; each got all that belongs to it",
                   join->shared, join->shared == 1 ? "key is one that" : "keys are such as");
        warn(run, join, &text);
    }
    buf_release(&text);
}

static void tell_one(struct run *run, const struct run_join_report *join, struct str example) {
    struct buf text = BUF_INIT;
    if (join->missed) {
        buf_printf(&text, "%" PRIu64 " %s %s a key that no record of %.*s has, the first %.*s", join->missed,
                   records(join->missed), join->missed == 1 ? "names" : "name", STR_ARG(join->from),
                   STR_ARG(example));
        warn(run, join, &text);
    }
    if (join->repeated) {
        buf_printf(&text, "%" PRIu64 " %s of %.*s %s left out, since an earlier one has the same key",
                   join->repeated, records(join->repeated), STR_ARG(join->from),
                   join->repeated == 1 ? "is" : "are");
        warn(run, join, &text);
    }
    buf_release(&text);
}

// Several passes may join the same, and what does not fit is the same then.
static bool is_told(const struct run_join_report *all, const struct run_join_report *join) {
    for (const struct run_join_report *other = all; other < join; other++)
        if (str_equal(other->source, join->source) && str_equal(other->name, join->name) &&
            other->lost == join->lost && other->missed == join->missed)
            return true;
    return false;
}

// `whole`: all records that it was joined to are known.
static void report_join(struct run *run, struct run_join *join, struct str source, bool whole,
                        const struct run_join_report *all, struct run_join_report *out) {
    const struct manifest_join *spec = join->join->join;
    struct join_figures figures;
    struct arena arena;
    struct str example;
    arena_init(&arena, 0);
    join_index_figures(join->index, &figures, &arena, &example);
    *out = (struct run_join_report){.source = source,
                                    .name = spec->name,
                                    .from = join->join->source->name,
                                    .records = figures.records,
                                    .keys = figures.keys,
                                    .keyless = join->keyless,
                                    .failed = join->failed,
                                    .repeated = figures.repeated,
                                    .spilled = figures.spilled};
    if (!spec->one && whole) {
        out->lost = figures.lost_records;
        out->shared = spec->own_key ? figures.found_again : 0;
    } else if (spec->one && join->failed == 0) {
        out->missed = atomic_load(&join->missed);
    }
    if (!is_told(all, out) && spec->one)
        tell_one(run, out, buf_str(&join->missed_key));
    else if (!is_told(all, out))
        tell_list(run, out, example);
    arena_release(&arena);
}

static void report_joins(struct run *run, struct str source, bool whole, struct run_join *const *joins,
                         size_t n, struct run_report *report, struct run_join_report *out) {
    for (size_t i = 0; i < n; i++) {
        struct run_join *join = joins[i];
        if (!join->index)
            continue;
        report_join(run, join, source, whole, out, &out[report->joins_n]);
        report->joins_n++;
        report->counters.failed += join->failed;
        report->counters.retried += join->tried;
        report->counters.source_bytes += join->bytes;
        report->counters.fields_parsed += join->fields.parsed;
        report->counters.fields_skipped += join->fields.skipped;
        report_joins(run, join->join->source->name, join->failed == 0, join->joins, join->joins_n, report,
                     out);
    }
}

// Of passes that were read: of others nothing is known.
void run_joins_report(struct run *run, struct run_report *report) {
    size_t n = 0;
    for (size_t p = 0; p < run->plan->passes_n; p++)
        n += run->passes[p].joins ? run->passes[p].joins->n : 0;
    if (n == 0)
        return;
    struct run_join_report *out = ARENA_NEW_ARRAY(&run->plan->arena, struct run_join_report, n);
    if (!out)
        mem_fail(n);
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        const struct pass_run *pass = &run->passes[p];
        if (pass->joins && pass->joins->built == pass->joins->n)
            report_joins(run, pass->source->name, pass->whole && !atomic_load(&pass->joins->lacking),
                         pass->joins->own, pass->joins->own_n, report, out);
    }
    report->joins = out;
}
