// SPDX-License-Identifier: MIT
// pressrun bench: scenarios and micro-benchmarks.
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/suggest.h"
#include "bench/target.h"
#include "cli/bench.h"
#include "cli/bench_show.h"
#include "cli/interrupt.h"
#include "scheduler/scheduler.h"

enum { NAMES = 64, REPEAT = 3, REPEAT_MOST = 1000, WORKERS_MOST = 1024 };
static const double scale_most = 1000, micro_seconds = 0.01;

struct bench_job {
    const struct scenario *scenarios[NAMES];
    const struct micro *micros[NAMES];
    size_t scenarios_n, micros_n;
    struct scenario_options options;
    struct scenario_result *scenario_results; // owned
    struct micro_result *micro_results;       // owned
    size_t scenarios_done, micros_done;
    bool progress, interrupted;
};

// ---- what is asked for

static void add_scenario(struct bench_job *b, const struct scenario *s) {
    for (size_t i = 0; i < b->scenarios_n; i++)
        if (b->scenarios[i] == s)
            return;
    b->scenarios[b->scenarios_n++] = s;
}

static void add_micro(struct bench_job *b, const struct micro *m) {
    for (size_t i = 0; i < b->micros_n; i++)
        if (b->micros[i] == m)
            return;
    b->micros[b->micros_n++] = m;
}

static bool unknown(const char *word, struct err *err) {
    struct suggestion suggestion = suggest_for(str_of(word));
    for (const struct scenario *s = scenarios; s->name; s++)
        suggest_offer(&suggestion, str_of(s->name));
    for (const struct micro *m = micros; m->name; m++)
        suggest_offer(&suggestion, str_of(m->name));
    static const char *const others[] = {"micro", "scenarios", "compare", "load", "selftest"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        suggest_offer(&suggestion, str_of(others[i]));
    if (suggestion.best.p)
        err_set(err, STATUS_DATA, "unknown benchmark \"%s\", did you mean \"%.*s\"?", word,
                STR_ARG(suggestion.best));
    else
        err_set(err, STATUS_DATA, "unknown benchmark \"%s\"", word);
    return false;
}

static bool choose(struct bench_job *b, const char *word, struct err *err) {
    const struct scenario *scenario = scenario_find(str_of(word));
    const struct micro *micro = micro_find(str_of(word));
    bool every_scenario = strcmp(word, "scenarios") == 0, every_micro = strcmp(word, "micro") == 0;
    for (const struct scenario *s = scenarios; s->name; s++)
        if (every_scenario || s == scenario)
            add_scenario(b, s);
    for (const struct micro *m = micros; m->name; m++)
        if (every_micro || m == micro)
            add_micro(b, m);
    return every_scenario || every_micro || scenario || micro || unknown(word, err);
}

static bool parse_options(struct bench_job *b, const struct options *options, struct err *err) {
    const char *scale = options_get(options, "scale"), *seed = options_get(options, "seed");
    const char *repeat = options_get(options, "repeat"), *workers = options_get(options, "jobs");
    uint32_t number = 1;
    b->options.scale = 1;
    b->options.repeat = REPEAT;
    b->options.workers = workers_available().n;
    if (scale && (!number_parse_double(str_of(scale), &b->options.scale) || !(b->options.scale > 0) ||
                  b->options.scale > scale_most)) {
        err_set(err, STATUS_DATA, "--scale must be a number above 0, at most %g, not \"%s\"", scale_most,
                scale);
        return false;
    }
    if (seed && options_number("--seed", seed, 0, UINT32_MAX, &number, err) != STATUS_OK)
        return false;
    b->options.seed = number;
    if (repeat && options_number("--repeat", repeat, 1, REPEAT_MOST, &b->options.repeat, err) != STATUS_OK)
        return false;
    if (workers && options_number("-j", workers, 1, WORKERS_MOST, &b->options.workers, err) != STATUS_OK)
        return false;
    for (size_t i = 0; i < options->arguments_n; i++)
        if (!choose(b, options->arguments[i], err))
            return false;
    return options->arguments_n || (choose(b, "scenarios", err) && choose(b, "micro", err));
}

// ---- running

static void progress(void *self, const struct scenario *scenario, uint32_t done, uint32_t all) {
    const struct bench_job *b = self;
    if (!b->progress)
        return;
    if (all)
        fprintf(stderr, "\r%s: run %u of %u\033[K", scenario->name, (unsigned)done + 1, (unsigned)all);
    else
        fprintf(stderr, "\r%s: making %s\033[K", scenario->name, scenario->unit);
    fflush(stderr);
}

static enum status run_scenarios(struct bench_job *b, struct err *err) {
    for (size_t i = 0; i < b->scenarios_n && !b->interrupted; i++) {
        struct scenario_result *result = &b->scenario_results[b->scenarios_done++];
        if (scenario_run(b->scenarios[i], &b->options, result, err) != STATUS_OK)
            return err->status;
        b->interrupted = result->interrupted;
    }
    return STATUS_OK;
}

static enum status run_micros(struct bench_job *b, const struct cli *cli, struct err *err) {
    struct micro_options options = {.fs = b->options.fs,
                                    .clock = &cli->clock,
                                    .scratch = b->options.scratch,
                                    .seed = b->options.seed,
                                    .seconds = micro_seconds * (b->options.scale < 1 ? b->options.scale : 1),
                                    .interrupt = b->options.interrupt};
    for (size_t i = 0; i < b->micros_n && !b->interrupted; i++) {
        struct micro_result *result = &b->micro_results[b->micros_done++];
        if (b->progress) {
            fprintf(stderr, "\r%s\033[K", b->micros[i]->name);
            fflush(stderr);
        }
        if (micro_run(b->micros[i], &options, result, err) != STATUS_OK)
            return err->status;
        b->interrupted = result->interrupted;
    }
    return STATUS_OK;
}

static void tell(const struct bench_job *b, const struct cli *cli, bool json) {
    struct bench_findings findings = {.options = &b->options,
                                      .scenarios = b->scenario_results,
                                      .scenarios_n = b->scenarios_done,
                                      .micros = b->micro_results,
                                      .micros_n = b->micros_done};
    struct buf text = BUF_INIT;
    if (json)
        bench_show_json(&findings, &text);
    else
        bench_show_table(&findings, cli->colour_out, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
}

static int measure(struct bench_job *b, struct cli *cli, const struct options *options) {
    struct interrupt interrupt;
    struct err err;
    int failed = interrupt_start(&interrupt, "ending what is measured", NULL, NULL);
    if (failed)
        return cli_fail_os(failed, "cannot watch for signals");
    b->options.interrupt = &interrupt.raised;
    enum status status = run_scenarios(b, &err);
    if (status == STATUS_OK)
        status = run_micros(b, cli, &err);
    interrupt_stop(&interrupt);
    if (b->progress)
        fputs("\r\033[K", stderr);
    if (b->interrupted)
        return EXIT_INTERRUPTED;
    if (status != STATUS_OK)
        return cli_fail("%s", err.text);
    tell(b, cli, options_has(options, "json"));
    return EXIT_DONE;
}

int bench_run(struct cli *cli, const struct options *options) {
    char self[4096], *scratch;
    struct bench_job b = {.progress = !cli->quiet && isatty(STDERR_FILENO)};
    struct err err;
    if (!parse_options(&b, options, &err))
        return cli_argument_error(&command_bench, "%s", err.text);
    if (!bench_find_self(self, sizeof self))
        return EXIT_USAGE;
    if (target_scratch(&scratch, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    b.options.program = self;
    b.options.scratch = scratch;
    b.options.fs = &cli->fs;
    b.options.self = &b;
    b.options.progress = progress;
    b.scenario_results = MEM_NEW_ARRAY(struct scenario_result, b.scenarios_n + 1);
    b.micro_results = MEM_NEW_ARRAY(struct micro_result, b.micros_n + 1);
    int code = measure(&b, cli, options);
    for (size_t i = 0; i < b.scenarios_done; i++)
        scenario_release(&b.scenario_results[i]);
    mem_free(b.scenario_results);
    mem_free(b.micro_results);
    target_remove(scratch);
    mem_free(scratch);
    return code;
}
