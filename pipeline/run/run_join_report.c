// SPDX-License-Identifier: MIT
// What became of joins: figures, and what does not fit together, which is told but fails nothing.
#include "base/mem.h"
#include "pipeline/plan/join_misfits.h"
#include "pipeline/run/run_join.h"

struct warning {
    struct run *run;
    const struct run_join_report *join;
};

static void warn(void *context, struct str sentence) {
    const struct warning *warning = context;
    struct buf line = BUF_INIT;
    buf_printf(&line, "join %.*s of source %.*s: ", STR_ARG(warning->join->name),
               STR_ARG(warning->join->source));
    buf_add_str(&line, sentence);
    run_warn(warning->run, buf_text(&line));
    buf_release(&line);
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
    const struct join_misfits misfits = {.from = out->from,
                                         .lost = out->lost,
                                         .shared = out->shared,
                                         .missed = out->missed,
                                         .repeated = out->repeated,
                                         .lost_key = example,
                                         .missed_key = buf_str(&join->missed_key)};
    if (!is_told(all, out))
        join_misfits_each(&misfits, warn, &(struct warning){run, out});
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
