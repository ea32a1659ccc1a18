// SPDX-License-Identifier: MIT
// pressrun doctor: is the machine, and what runs keep, such that a run will do well?
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"
#include "cli/cache_place.h"
#include "cli/command.h"
#include "cli/doctor_text.h"
#include "cli/history_place.h"
#include "pipeline/manifest/manifest_table.h"

enum { SLOW_MS = 100, COPY_MOST = 1 << 30 };

static const struct option_spec doctor_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"history", 0, "DIR", "where the history is, where it is not the manifest's (PRESSRUN_HISTORY)"},
    {"strict", 0, NULL, "what is to be looked at counts as failed"},
    {"slow", 0, "TIME", "queries: from which time on one is slow, such as 20ms or 2s (default: 100ms)"},
    {"copy", 0, "SIZE",
     "queries: the largest database that indexes are tried on a copy of; 0: none (default: 1GiB)"},
    {"json", 0, NULL, "as one JSON object"},
    OPTIONS_COMMON,
    {0},
};

static const char *get_variable(void *self, const char *name) {
    (void)self;
    return getenv(name);
}

// Whether one is asked for, or is there. Without one the machine is looked at.
static bool has_manifest(struct cli *cli, const struct options *options) {
    const char *directory = options_get(options, "directory"), *variable = getenv("PRESSRUN_FILE");
    return options_has(options, "file") || (variable && *variable) ||
           manifest_find(&cli->fs, &cli->arena, directory ? directory : ".");
}

// Where things are, as far as a manifest or the command line says.
static void find_places(struct cli *cli, const struct options *options, struct doctor_options *doctor) {
    const struct manifest *manifest = doctor->manifest;
    const char *given = history_given(&cli->arena, options), *output = options_get(options, "output");
    doctor->output = output ? output : manifest ? manifest->output.p : NULL;
    if (given)
        doctor->history = strcmp(given, "none") == 0 ? NULL : given;
    else if (manifest && manifest->output.p && manifest->history_keep)
        doctor->history = history_of_manifest(&cli->arena, manifest, output);
}

static int examine(struct cli *cli, const struct options *options, const struct doctor_options *wanted) {
    struct doctor doctor;
    struct buf text = BUF_INIT;
    doctor_examine(&doctor, wanted);
    if (options_has(options, "json"))
        doctor_text_json(&doctor, &text);
    else if (!cli->quiet)
        doctor_text_write(&doctor, cli->colour_out, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
    const bool failed =
        doctor.counts[DOCTOR_FAIL] || (options_has(options, "strict") && doctor.counts[DOCTOR_WARN]);
    doctor_release(&doctor);
    return failed ? EXIT_FAILED_OUTPUTS : EXIT_DONE;
}

static enum status choose_checks(const struct options *options, uint32_t *only, struct err *err) {
    for (size_t i = 0; i < options->arguments_n; i++) {
        size_t chosen;
        if (suggest_choose("check", str_of(options->arguments[i]), doctor_check_name, &chosen, err) !=
            STATUS_OK)
            return err->status;
        *only |= 1u << chosen;
    }
    return STATUS_OK;
}

static enum status choose_bounds(const struct options *options, struct doctor_options *doctor,
                                 struct err *err) {
    const char *slow = options_get(options, "slow"), *copy = options_get(options, "copy");
    uint64_t milliseconds = SLOW_MS;
    if (slow && !manifest_parse_wait(str_of(slow), &milliseconds))
        return err_set(err, STATUS_DATA, "--slow is a time such as 20ms or 2s, not \"%s\"", slow);
    doctor->slow = milliseconds * 1000000;
    doctor->copy_most = COPY_MOST;
    if (copy && strcmp(copy, "0") == 0)
        doctor->copy_most = 0;
    else if (copy && !manifest_parse_size(str_of(copy), &doctor->copy_most))
        return err_set(err, STATUS_DATA, "--copy is a size such as 4GiB, or 0, not \"%s\"", copy);
    return STATUS_OK;
}

static int run_doctor(struct cli *cli, const struct options *options) {
    struct doctor_options doctor = {
        .fs = &cli->fs, .clock = cli->clock, .root = "", .environment = {.get = get_variable}};
    struct err err;
    if (choose_checks(options, &doctor.only, &err) != STATUS_OK ||
        choose_bounds(options, &doctor, &err) != STATUS_OK)
        return cli_argument_error(&command_doctor, "%s", err.text);
    if (cache_wish(NULL, &doctor.cache, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    struct manifest *manifest = NULL;
    if (has_manifest(cli, options)) {
        manifest = cli_open_manifest(cli, options);
        if (!manifest)
            return EXIT_USAGE;
    } else if (options_has(options, "directory") && chdir(options_get(options, "directory")) != 0) {
        return cli_fail("cannot work in %s", options_get(options, "directory"));
    }
    doctor.manifest = manifest;
    doctor.manifest_errors = cli->diags.errors;
    find_places(cli, options, &doctor);
    const int code = examine(cli, options, &doctor);
    manifest_free(manifest);
    return code;
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "[CHECK...] [-o DIR] [--slow TIME] [--strict] [--json]",
    .summary = "health checks: machine, disk, clock, cache, journal, databases",
    .details =
        "Looks at what a run needs, and says what to do where something is not well. It changes nothing. "
        "Without a\n"
        "manifest only the machine is looked at. The checks, or those that are named:\n"
        "\n"
        "processors  how many workers there may be, and how busy the processors are with other work\n"
        "memory      how much is left, of the control group or the machine\n"
        "openmp      variables that make threads burn time, or be too few\n"
        "limits      of descriptors, files and address space\n"
        "clock       whether it is set while it goes; SOURCE_DATE_EPOCH\n"
        "manifest    whether it is sound\n"
        "times       files that are dated in the future\n"
        "disk        room for outputs, cache and history, and whether they may be written\n"
        "journal     what is known of the outputs, and who works on them\n"
        "cache       the file tier; of its entries 200 by lot are read\n"
        "redis       whether it answers, and how fast\n"
        "history     the database of sessions; its pages are checked for a second\n"
        "databases   that records come from: the same, and whether the query can be prepared\n"
        "queries     of those databases: their times and plans, the indexes that would make slow ones "
        "faster, tried "
        "on\n"
        "            a copy, and those that no query here uses\n"
        "\n"
        "Each row is ok, skipped, warn (a run goes on, but slower, or with less) or fail (it will not do "
        "well).\n"
        "--json has `state`, the worst, and `checks`: check, subject (of several), state, found, advice,\n"
        "details; and of queries `queries` and `indexes`.\n"
        "\n"
        "Exit codes: 0 nothing failed; 1 something did, or with --strict is to be looked at; 2 usage.\n",
    .options = doctor_options,
    .run = run_doctor,
};
