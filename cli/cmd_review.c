// SPDX-License-Identifier: MIT
// pressrun publish, drop, rollback: the verdict on what was staged.
#include <jansson.h>

#include "base/mem.h"
#include "base/salt.h"
#include "cli/review.h"
#include "cli/show.h"
#include "monitor/json_line.h"
#include "pipeline/review/staging_publish.h"

enum { OBSTACLES_SHOWN = 10 };

// Obstacles as they come, the first few.
struct told {
    const struct cli *cli;
    uint64_t n;
};

static void tell_note(void *self, const char *text) {
    const struct told *told = self;
    if (!told->cli->quiet)
        cli_note("%s", text);
}

static void tell_obstacle(void *self, struct str path, enum staging_obstacle obstacle) {
    struct told *told = self;
    char shown[EMIT_SHOWN_SIZE];
    if (told->n++ < OBSTACLES_SHOWN)
        cli_note("%s %s", emit_show_path(path, shown), staging_obstacle_texts[obstacle]);
}

static void tell_rollback_obstacle(void *self, struct str path, enum staging_obstacle obstacle) {
    struct told *told = self;
    char shown[EMIT_SHOWN_SIZE];
    (void)obstacle;
    if (told->n++ < OBSTACLES_SHOWN)
        cli_note("%s was changed since it was published, and stays", emit_show_path(path, shown));
}

static void tell_rest(const struct told *told) {
    if (told->n > OBSTACLES_SHOWN)
        cli_note("and %llu more", (unsigned long long)(told->n - OBSTACLES_SHOWN));
}

static void add_count(struct buf *out, uint64_t n, const char *what) {
    show_count(out, n);
    buf_add_char(out, ' ');
    buf_add_text(out, what);
}

static void set_count(json_t *object, const char *name, uint64_t n) {
    json_object_set_new(object, name, json_integer((json_int_t)n));
}

static void print_json(json_t *object) {
    struct buf text = BUF_INIT;
    json_line_add(object, 0, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
}

static void set_outcome(json_t *object, const struct staging_outcome *outcome) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(outcome->facts.digest, digest);
    set_count(object, "added", outcome->added);
    set_count(object, "changed", outcome->changed);
    set_count(object, "removed", outcome->removed);
    set_count(object, "kept", outcome->kept);
    json_object_set_new(object, "session", json_string(outcome->facts.session));
    json_object_set_new(object, "digest", json_string(digest));
}

// ---- publish

static const struct option_spec publish_options[] = {
    OPTIONS_REVIEW,
    {"prune", 0, NULL, "remove outputs that no longer belong, where nobody has edited them"},
    {"force", 0, NULL, "also over outputs that somebody edited since they were staged over"},
    {"durable", 0, NULL, "what is published survives a power failure"},
    {"wait", 0, NULL, "wait for a run that works on the same directory"},
    {"json", 0, NULL, "print what was done as one JSON object"},
    OPTIONS_COMMON,
    {0},
};

static void tell_published(const struct cli *cli, const struct staging_outcome *outcome, uint64_t kept_bytes,
                           bool prune) {
    struct buf text = BUF_INIT;
    if (cli->quiet)
        return;
    buf_add_text(&text, "published: ");
    add_count(&text, outcome->added, "added, ");
    add_count(&text, outcome->changed, "changed, ");
    add_count(&text, outcome->removed, "removed\n");
    if (outcome->kept > 0) {
        add_count(&text, outcome->kept,
                  outcome->kept == 1 ? "output no longer belongs and stays"
                                     : "outputs no longer belong and stay");
        buf_add_text(&text, prune ? ": somebody has edited or removed what was made\n"
                                  : ": \"publish --prune\" removes such\n");
    }
    if (outcome->changed + outcome->removed > 0) {
        buf_add_text(&text, "what was there before is kept for \"pressrun rollback\", ");
        show_bytes(&text, kept_bytes);
        buf_add_char(&text, '\n');
    }
    cli_print(buf_str(&text));
    buf_release(&text);
}

static int publish_locked(struct review *review, const struct options *options) {
    struct told told = {.cli = review->cli};
    const struct staging_watcher watcher = {.self = &told, .note = tell_note, .obstacle = tell_obstacle};
    const struct staging_how how = {.prune = options_has(options, "prune"),
                                    .force = options_has(options, "force"),
                                    .durable = options_has(options, "durable"),
                                    .salt = salt_draw(),
                                    .watcher = &watcher};
    struct staging_outcome outcome;
    struct err err;
    uint64_t kept_bytes = 0;
    if (staging_settle(review_root(review), &how, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    enum status status = staging_publish(review_root(review), &how, &outcome, &err);
    tell_rest(&told);
    if (status != STATUS_OK)
        cli_fail("%s", err.text);
    if (status != STATUS_OK && outcome.obstacles > 0 && !how.force)
        cli_note("stage it again with \"pressrun run --stage\", or publish over edits with --force");
    if (status == STATUS_OK)
        staging_measure(review_root(review), STAGING_PREVIOUS, &kept_bytes);
    if (options_has(options, "json")) {
        json_t *object = json_object();
        json_object_set_new(object, "published", json_boolean(status == STATUS_OK));
        set_outcome(object, &outcome);
        set_count(object, "obstacles", outcome.obstacles);
        set_count(object, "previous_bytes", kept_bytes);
        print_json(object);
    } else if (status == STATUS_OK) {
        tell_published(review->cli, &outcome, kept_bytes, how.prune);
    }
    return status == STATUS_OK ? EXIT_DONE : EXIT_USAGE;
}

// ---- rollback

static const struct option_spec rollback_options[] = {
    OPTIONS_REVIEW,
    {"durable", 0, NULL, "what is put back survives a power failure"},
    {"wait", 0, NULL, "wait for a run that works on the same directory"},
    {"json", 0, NULL, "print what was done as one JSON object"},
    OPTIONS_COMMON,
    {0},
};

static void tell_rolled_back(const struct cli *cli, const struct staging_outcome *outcome) {
    struct buf text = BUF_INIT;
    if (cli->quiet)
        return;
    if (outcome->unfinished) {
        buf_add_text(&text,
                     "what a killed \"pressrun publish\" had published is taken back, and staged again\n");
    } else {
        buf_add_text(&text, "rolled back: ");
        add_count(&text, outcome->changed, "restored, ");
        add_count(&text, outcome->added, "removed again, ");
        add_count(&text, outcome->removed, "put back\n");
    }
    if (outcome->kept > 0)
        add_count(&text, outcome->kept,
                  "not restored: changed since by a later run or by hand; what was there before them is gone "
                  "now\n");
    cli_print(buf_str(&text));
    buf_release(&text);
}

static int rollback_locked(struct review *review, const struct options *options) {
    struct told told = {.cli = review->cli};
    const struct staging_watcher watcher = {
        .self = &told, .note = tell_note, .obstacle = tell_rollback_obstacle};
    const struct staging_how how = {
        .durable = options_has(options, "durable"), .salt = salt_draw(), .watcher = &watcher};
    struct staging_outcome outcome;
    struct err err;
    enum status status = staging_rollback(review_root(review), &how, &outcome, &err);
    tell_rest(&told);
    if (status != STATUS_OK)
        cli_fail("%s", err.text);
    if (options_has(options, "json")) {
        json_t *object = json_object();
        json_object_set_new(object, "rolled_back", json_boolean(status == STATUS_OK));
        json_object_set_new(object, "staged_again", json_boolean(status == STATUS_OK && outcome.unfinished));
        set_outcome(object, &outcome);
        print_json(object);
    } else if (status == STATUS_OK) {
        tell_rolled_back(review->cli, &outcome);
    }
    if (status != STATUS_OK)
        return EXIT_USAGE;
    return outcome.kept ? EXIT_FAILED_OUTPUTS : EXIT_DONE;
}

// ---- drop

static const struct option_spec drop_options[] = {
    OPTIONS_REVIEW,
    {"wait", 0, NULL, "wait for a run that works on the same directory"},
    {"json", 0, NULL, "print what was done as one JSON object"},
    OPTIONS_COMMON,
    {0},
};

static int drop_locked(struct review *review, const struct options *options) {
    struct told told = {.cli = review->cli};
    const struct staging_watcher watcher = {.self = &told, .note = tell_note, .obstacle = tell_obstacle};
    const struct staging_how how = {.salt = salt_draw(), .watcher = &watcher};
    struct staging_facts facts;
    enum staging_state state;
    struct err err;
    if (staging_settle(review_root(review), &how, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    enum status looked = staging_look(review_root(review), STAGING_STAGE, &state, &facts, &err);
    if (looked != STATUS_OK && looked != STATUS_DATA) // what is damaged can be dropped all the same
        return cli_fail("%s", err.text);
    if (staging_drop(review_root(review), STAGING_STAGE, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (options_has(options, "json")) {
        json_t *object = json_object();
        json_object_set_new(object, "dropped", json_boolean(state != STAGING_NONE));
        print_json(object);
    } else if (!review->cli->quiet) {
        cli_print(state == STAGING_NONE ? STR("nothing is staged\n")
                  : state == STAGING_COMPLETE
                      ? STR("dropped what was staged\n")
                      : STR("dropped what a run had staged that did not come to its end\n"));
    }
    return EXIT_DONE;
}

// ---- the commands

static int run_locked(struct cli *cli, const struct options *options, const struct command *command,
                      int (*fn)(struct review *, const struct options *)) {
    struct review review;
    if (options->arguments_n)
        return cli_argument_error(command, "unexpected argument \"%s\"", options->arguments[0]);
    if (!review_open(&review, cli, options))
        return EXIT_USAGE;
    int code = review_lock(&review, options_has(options, "wait")) ? fn(&review, options) : EXIT_USAGE;
    review_close(&review);
    return code;
}

static int run_publish(struct cli *cli, const struct options *options) {
    return run_locked(cli, options, &command_publish, publish_locked);
}

static int run_rollback(struct cli *cli, const struct options *options) {
    return run_locked(cli, options, &command_rollback, rollback_locked);
}

static int run_drop(struct cli *cli, const struct options *options) {
    return run_locked(cli, options, &command_drop, drop_locked);
}

const struct command command_publish = {
    .name = "publish",
    .arguments = "[--prune] [--force] [--durable] [--json]",
    .summary = "put what was staged in its place",
    .details = "Each staged output takes the place of the one that is published, in one step, and that one "
               "is kept for\n"
               "`pressrun rollback`. Where anything is in the way nothing is published: an output that "
               "somebody edited,\n"
               "made or removed since (--force goes over these), a directory where a file is to go. Whoever "
               "is killed\n"
               "here is finished by the next run or the next publish; a fault takes back what was published "
               "before it.\n"
               "\n"
               "--prune removes outputs that no longer belong: only those that pressrun made and nobody has "
               "edited.\n"
               "\n"
               "Exit codes: 0 done; 2 nothing is staged, or nothing was published.\n",
    .options = publish_options,
    .run = run_publish,
};

const struct command command_drop = {
    .name = "drop",
    .arguments = "[--json]",
    .summary = "remove what was staged",
    .details = "What is published stays as it is.\n"
               "\n"
               "Exit codes: 0 done, also where nothing is staged; 2 usage or environment.\n",
    .options = drop_options,
    .run = run_drop,
};

const struct command command_rollback = {
    .name = "rollback",
    .arguments = "[--durable] [--json]",
    .summary = "put back what was there before the last publish",
    .details =
        "Outputs that were changed get their old bytes back, those that were added go, those that were "
        "pruned\n"
        "return. One that is not as it was published any more, since a later run or somebody has changed it, "
        "stays\n"
        "as it is and is named. One generation is kept, and only by `pressrun publish` and by runs with "
        "--max-changed\n"
        "or --max-removed; what a plain run replaces is not.\n"
        "\n"
        "The next run makes its outputs as the records and templates then say.\n"
        "\n"
        "Exit codes: 0 done; 1 some outputs could not be put back; 2 there is nothing to go back to.\n",
    .options = rollback_options,
    .run = run_rollback,
};
