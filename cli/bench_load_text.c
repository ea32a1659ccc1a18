// SPDX-License-Identifier: MIT
#include "cli/bench_load_text.h"

#include <string.h>

#include "bench/loadgen_json.h"
#include "cli/show.h"

static void add_rate(struct buf *out, double rate) {
    if (rate < 100)
        buf_printf(out, "%.3g", rate);
    else
        show_count(out, (uint64_t)(rate + 0.5));
    buf_add_text(out, "/s");
}

static void add_verdict(const struct loadgen_options *options, const struct loadgen_result *result,
                        bool colour, struct buf *out) {
    const struct arrivals *arrivals = &options->arrivals;
    const char *word = result->valid ? "VALID" : "INVALID";
    buf_printf(out, "%s%s%s  ",
               !colour         ? ""
               : result->valid ? "\033[1;32m"
                               : "\033[1;31m",
               word, colour ? "\033[0m" : "");
    add_rate(out, result->achieved);
    buf_printf(out, " (%.4g %%) of ", 100 * (double)result->all.done / (double)result->planned);
    add_rate(out, arrivals->rate);
    buf_printf(out, ", for %g s after %g s of ramp-up, %u user%s\n", arrivals->seconds, arrivals->ramp,
               (unsigned)options->users, options->users == 1 ? "" : "s");
    if (!result->valid)
        buf_printf(
            out,
            "The rate asked for was not reached by %g %%: what is below was measured under another load.\n",
            100 * LOADGEN_ENOUGH);
}

static void add_counts(const struct loadgen_result *result, struct buf *out) {
    show_count(out, result->all.done);
    buf_add_text(out, " operations");
    if (result->all.failed) {
        buf_add_text(out, ", ");
        show_count(out, result->all.failed);
        buf_add_text(out, " failed");
    }
    if (result->all.unstarted) {
        buf_add_text(out, ", ");
        show_count(out, result->all.unstarted);
        buf_add_text(out, " more were due and not begun at the end");
    }
    buf_add_text(out, ", ");
    show_bytes(out, result->all.bytes);
    buf_add_text(out, "\n\n");
}

// Four digits in a unit that suits.
static void add_time(uint64_t nanoseconds, struct buf *out) {
    double us = (double)nanoseconds / 1e3;
    const char *unit = us < 1e3 ? "us" : us < 1e6 ? "ms" : "s";
    double value = us < 1e3 ? us : us < 1e6 ? us / 1e3 : us / 1e6;
    buf_printf(out, " %7.*f %-2s", value < 10 ? 3 : value < 100 ? 2 : 1, value, unit);
}

static void add_row(const char *name, size_t width, uint64_t n, const struct histogram *h, struct buf *out) {
    buf_printf(out, "%-*s", (int)width, name);
    struct buf count = BUF_INIT;
    show_count(&count, n);
    buf_printf(out, " %12.*s", STR_ARG(buf_str(&count)));
    buf_release(&count);
    for (size_t i = 0; i < LOADGEN_QUANTILES; i++)
        add_time(histogram_quantile(h, loadgen_quantiles[i]), out);
    buf_add_char(out, '\n');
}

static void add_table(const struct loadgen_options *options, const struct loadgen_result *result,
                      struct buf *out) {
    const struct loadgen_times *all = &result->all.times;
    size_t width = strlen("latency");
    for (uint32_t k = 0; k < result->parts_n; k++) {
        size_t n = strlen(options->operations[k].name) + 2;
        width = result->parts_n > 1 && n > width ? n : width;
    }
    width = width < 40 ? width : 40;
    buf_printf(out, "%-*s %12s %10s %10s %10s %10s %10s %10s %10s\n", (int)width, "", "count", "p50   ",
               "p90   ", "p95   ", "p99   ", "p99.9   ", "p99.99  ", "max   ");
    add_row("latency", width, all->latency.n, &all->latency, out);
    for (uint32_t k = 0; result->parts_n > 1 && k < result->parts_n; k++) {
        struct buf name = BUF_INIT;
        buf_add_text(&name, "  ");
        show_escaped(&name, str_of(options->operations[k].name));
        const struct histogram *h = &result->parts[k].times.latency;
        add_row(buf_text(&name), width, h->n, h, out);
        buf_release(&name);
    }
    add_row("wait", width, all->wait.n, &all->wait, out);
    add_row("service", width, all->service.n, &all->service, out);
}

// What waited, over the time: a letter for each stretch, the highest for the most.
static void add_backlog(const struct loadgen_options *options, const struct loadgen_result *result,
                        struct buf *out) {
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    enum { COLUMNS = 50, EACH = LOADGEN_SLOTS / COLUMNS, BARS = sizeof bars / sizeof *bars };
    buf_add_text(out, "\nbacklog ");
    for (size_t c = 0; c < COLUMNS; c++) {
        uint64_t most = 0;
        for (size_t i = c * EACH; i < (c + 1) * EACH; i++)
            most = result->slots[i].backlog > most ? result->slots[i].backlog : most;
        buf_add_text(out, bars[result->backlog ? most * (BARS - 1) / result->backlog : 0]);
    }
    buf_add_text(out, " at most ");
    show_count(out, result->backlog);
    buf_printf(out, ", %.3g s of the rate\n", (double)result->backlog / options->arrivals.rate);
}

static void add_faults(const struct loadgen_options *options, const struct loadgen_result *result,
                       struct buf *out) {
    for (uint32_t k = 0; k < result->parts_n; k++) {
        const struct loadgen_part *part = &result->parts[k];
        if (!part->fault[0])
            continue;
        show_escaped(out, str_of(options->operations[k].name));
        buf_printf(out, ": %llu failed, first: ", (unsigned long long)part->failed);
        show_escaped(out, str_of(part->fault));
        buf_add_char(out, '\n');
    }
}

void bench_load_text(const struct loadgen_options *options, const struct loadgen_result *result, bool colour,
                     struct buf *out) {
    add_verdict(options, result, colour, out);
    add_counts(result, out);
    add_table(options, result, out);
    add_backlog(options, result, out);
    add_faults(options, result, out);
}
