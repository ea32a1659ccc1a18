// SPDX-License-Identifier: MIT
// pressrun bench compare: is one of two slower?
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/paired.h"
#include "bench/target.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/show.h"

struct comparison {
    struct cli *cli;
    struct target targets[2];
    bool ignore_output, known;
    struct digest digest; // of the first run
    bool progress;
};

static bool check(void *self, int which, const struct process_sample *sample, struct str output,
                  struct str errors, struct err *err) {
    struct comparison *c = self;
    struct digest digest;
    if (target_take(&c->targets[which], sample, output, errors, &digest, err) != STATUS_OK)
        return false;
    bool compared = !c->ignore_output || c->targets[which].output;
    if (compared && c->known && !digest_equal(c->digest, digest)) {
        err_set(err, STATUS_DATA, "INVALID: %s does not make the same output%s", c->targets[which].shown,
                c->targets[which].output ? "" : " (--ignore-output compares all the same)");
        return false;
    }
    c->digest = digest;
    c->known = true;
    return true;
}

static void progress(void *self, const struct verdict_look *look, uint32_t pairs) {
    const struct comparison *c = self;
    if (!c->progress)
        return;
    fprintf(stderr, "\r%u pairs", (unsigned)pairs);
    if (look->pairs)
        fprintf(stderr, ", %.3f times after %u", look->estimate, (unsigned)look->pairs);
    fprintf(stderr, "\033[K");
    fflush(stderr);
}

// ---- what it says

static void add_ratio(struct buf *out, const char *name, const struct pair *pairs, uint32_t n,
                      enum paired_metric metric, const struct verdict_rule *rule) {
    double *differences = MEM_NEW_ARRAY(double, n + 1);
    uint32_t counted = paired_differences(pairs, n, metric, differences);
    if (counted) {
        struct verdict_rule generous = *rule;
        struct verdict_look look = verdict_at(differences, counted, &generous);
        buf_printf(out, "%s%s %.3f", out->n ? ", " : "", name, look.estimate);
    }
    mem_free(differences);
}

static void add_value(struct buf *out, double value, enum paired_metric metric) {
    if (metric == PAIRED_PEAK_RSS)
        show_bytes(out, (uint64_t)value);
    else if (metric == PAIRED_INSTRUCTIONS)
        show_count(out, (uint64_t)value);
    else
        buf_printf(out, value < 1 ? "%.2f ms" : "%.3f s", value < 1 ? value * 1000 : value);
}

static void write_sentence(const struct paired_result *result, const struct paired_options *options,
                           struct buf *out) {
    const struct verdict_look *look = &result->look;
    static const char *const whats[PAIRED_METRICS] = {"the CPU time", "the time", "the instructions",
                                                      "the peak memory"};
    if (!look->pairs) {
        buf_printf(out, "%u pairs are too few for a verdict\n",
                   (unsigned)(result->pairs_n - result->dropped));
        return;
    }
    buf_printf(out, "%s  ", verdict_name(look->verdict));
    buf_printf(out, "B takes %.3f times %s of A", look->estimate, whats[options->metric]);
    if (look->lower > 0 && !isinf(look->upper))
        buf_printf(out, ", between %.3f and %.3f", look->lower, look->upper);
    buf_printf(out, ", %u pairs\n", (unsigned)look->pairs);
}

// What more would help, where the verdict is none.
static void write_outlook(const struct paired_result *result, const struct paired_options *options,
                          struct buf *out) {
    double *differences = MEM_NEW_ARRAY(double, result->pairs_n), smallest;
    uint32_t n = paired_differences(result->pairs, result->pairs_n, options->metric, differences), wanted;
    verdict_outlook(differences, n, &options->rule, &smallest, &wanted);
    buf_printf(out,
               "  with this noise a slowdown of %.1f %% would have been seen; about %u pairs would decide\n",
               100 * smallest, (unsigned)wanted);
    mem_free(differences);
}

static void write_text(const struct comparison *c, const struct paired_result *result,
                       const struct paired_options *options, struct buf *out) {
    write_sentence(result, options, out);
    for (int which = 0; which < 2; which++) {
        buf_printf(out, "  %c  ", 'A' + which);
        add_value(out, which ? result->b_median : result->a_median, options->metric);
        buf_printf(out, "  %s\n", c->targets[which].shown);
    }
    struct buf others = BUF_INIT;
    for (enum paired_metric metric = 0; metric < PAIRED_METRICS; metric++)
        if (metric != options->metric)
            add_ratio(&others, paired_metric_name(metric), result->pairs, result->pairs_n, metric,
                      &options->rule);
    if (others.n)
        buf_printf(out, "  B over A also: %.*s\n", STR_ARG(buf_str(&others)));
    buf_release(&others);
    if (result->look.verdict == VERDICT_INCONCLUSIVE)
        write_outlook(result, options, out);
    if (result->dropped)
        buf_printf(out, "  %u pairs were dropped, since the host took the CPU away\n",
                   (unsigned)result->dropped);
}

static json_t *sample_json(const struct process_sample *sample) {
    json_t *object = json_object();
    json_object_set_new(object, "wall", json_real(sample->wall));
    json_object_set_new(object, "user", json_real(sample->user));
    json_object_set_new(object, "system", json_real(sample->system));
    json_object_set_new(object, "instructions", json_integer((json_int_t)sample->instructions));
    json_object_set_new(object, "peak_rss_bytes", json_integer((json_int_t)sample->peak_rss_bytes));
    return object;
}

static json_t *pairs_json(const struct paired_result *result) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < result->pairs_n; i++) {
        const struct pair *pair = &result->pairs[i];
        json_t *object = json_object();
        json_object_set_new(object, "a", sample_json(&pair->a));
        json_object_set_new(object, "b", sample_json(&pair->b));
        json_object_set_new(object, "b_first", json_boolean(pair->b_first));
        json_object_set_new(object, "dropped", json_boolean(pair->dropped));
        json_object_set_new(object, "padding", json_integer(pair->padding));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *bound(double ratio) {
    return isinf(ratio) || ratio <= 0 ? json_null() : json_real(ratio);
}

static void write_json(const struct comparison *c, const struct paired_result *result,
                       const struct paired_options *options, struct buf *out) {
    const struct verdict_look *look = &result->look;
    json_t *object = json_object();
    json_object_set_new(object, "verdict", json_string(verdict_name(look->verdict)));
    json_object_set_new(object, "metric", json_string(paired_metric_name(options->metric)));
    json_object_set_new(object, "ratio", look->pairs ? json_real(look->estimate) : json_null());
    json_object_set_new(object, "lower", bound(look->lower));
    json_object_set_new(object, "upper", bound(look->upper));
    json_object_set_new(object, "pairs", json_integer(look->pairs));
    json_object_set_new(object, "a", json_string(c->targets[0].shown));
    json_object_set_new(object, "b", json_string(c->targets[1].shown));
    json_object_set_new(object, "a_median", json_real(result->a_median));
    json_object_set_new(object, "b_median", json_real(result->b_median));
    json_object_set_new(object, "seed", json_integer((json_int_t)options->seed));
    json_object_set_new(object, "samples", pairs_json(result));
    char *text = json_dumps(object, JSON_REAL_PRECISION(9));
    buf_add_text(out, text ? text : "{}");
    buf_add_char(out, '\n');
    free(text);
    json_decref(object);
}

// ---- the command

static int exit_code(const struct paired_result *result) {
    if (result->interrupted)
        return EXIT_INTERRUPTED;
    switch (result->look.verdict) {
    case VERDICT_FAIL:
        return EXIT_REGRESSION;
    case VERDICT_INCONCLUSIVE:
        return EXIT_INCONCLUSIVE;
    case VERDICT_PASS:
    case VERDICT_MORE: // as many pairs as were asked for
        break;
    }
    return EXIT_DONE;
}

static int compare(struct comparison *c, const struct options *options, struct paired_options *paired) {
    struct paired_result result;
    struct err err;
    struct interrupt interrupt;
    int failed = interrupt_start(&interrupt), code;
    if (failed)
        return cli_fail("cannot watch for signals (error %d)", failed);
    paired->interrupt = &interrupt.raised;
    enum status status = paired_run(paired, &result, &err);
    interrupt_stop(&interrupt);
    if (c->progress)
        fputs("\r\033[K", stderr);
    if (status == STATUS_OK) {
        struct buf text = BUF_INIT;
        if (options_has(options, "json"))
            write_json(c, &result, paired, &text);
        else
            write_text(c, &result, paired, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
        code = exit_code(&result);
    } else {
        code = cli_fail("%s", err.text);
    }
    paired_release(&result);
    return code;
}

static bool parse_options(struct paired_options *paired, const struct options *options, struct err *err) {
    const char *metric = options_get(options, "metric"), *pairs = options_get(options, "pairs");
    const char *seed = options_get(options, "seed");
    uint32_t number = 1;
    *paired = (struct paired_options){.rule = verdict_rule_default()};
    while (metric && paired->metric < PAIRED_METRICS &&
           strcmp(metric, paired_metric_name(paired->metric)) != 0)
        paired->metric++;
    if (paired->metric == PAIRED_METRICS) {
        err_set(err, STATUS_DATA, "--metric is one of cpu, wall, instructions, peak_rss, not \"%s\"", metric);
        return false;
    }
    if (paired->metric == PAIRED_INSTRUCTIONS && !process_counts_instructions()) {
        err_set(err, STATUS_DATA, "this machine does not count instructions");
        return false;
    }
    if (pairs && options_number("--pairs", pairs, 1, VERDICT_PAIRS, &paired->pairs, err) != STATUS_OK)
        return false;
    if (seed && options_number("--seed", seed, 0, UINT32_MAX, &number, err) != STATUS_OK)
        return false;
    paired->seed = number;
    return true;
}

static bool read_self(char *path, size_t size) {
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    path[n > 0 ? n : 0] = 0;
    return n > 0;
}

int bench_compare(struct cli *cli, const struct options *options) {
    char self[4096], *scratch;
    struct comparison c = {.cli = cli, .ignore_output = options_has(options, "ignore-output")};
    struct paired_options paired;
    struct err err;
    c.progress = !cli->quiet && isatty(STDERR_FILENO);
    if (options->arguments_n != 3)
        return cli_argument_error(&command_bench,
                                  "compare takes two: manifests, executables of pressrun or commands");
    if (!parse_options(&paired, options, &err))
        return cli_argument_error(&command_bench, "%s", err.text);
    if (!read_self(self, sizeof self))
        return cli_fail("cannot find out where this program is");
    if (target_scratch(&scratch, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    struct target_context context = {self, scratch, options_get(options, "file"),
                                     options_get(options, "directory")};
    int code = EXIT_DONE;
    for (int which = 0; which < 2; which++)
        if (target_init(&c.targets[which], options->arguments[1 + which], &context, which, &err) != STATUS_OK)
            code = cli_argument_error(&command_bench, "%s", err.text);
    if (code == EXIT_DONE) {
        paired.a = target_command(&c.targets[0]);
        paired.b = target_command(&c.targets[1]);
        paired.self = &c;
        paired.check = check;
        paired.progress = progress;
        code = compare(&c, options, &paired);
    }
    for (int which = 0; which < 2; which++)
        target_release(&c.targets[which]);
    target_remove(scratch);
    mem_free(scratch);
    return code;
}
