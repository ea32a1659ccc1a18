// SPDX-License-Identifier: MIT
#include "cli/plan_session.h"

#include "cli/history_place.h"
#include "monitor/history.h"

static const char *place_of(struct cli *cli, const struct options *options, const struct plan *plan) {
    const char *given = history_given(&cli->arena, options);
    return given ? given : history_of_manifest(&cli->arena, plan->manifest, options_get(options, "output"));
}

// The newest session that has the manifest's name; several manifests may share a history.
static bool find_newest(struct cli *cli, struct history *h, const struct plan *plan, struct str *id) {
    const struct history_filter filter = {STR("name"), STR("="), plan->manifest->name};
    struct history_row *rows;
    size_t n;
    struct err err;
    if (history_list(h, &filter, 1, 1, &cli->arena, &rows, &n, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    if (n == 0)
        cli_fail("no run of this manifest has been kept, so there are no times: \"pressrun run\" keeps one");
    else
        *id = rows[0].id;
    return n > 0;
}

static bool read_session(struct cli *cli, struct history *h, const char *wanted, const struct plan *plan,
                         struct plan_timing *timing) {
    struct str document, id = str_of(wanted);
    struct err err;
    if (!*wanted && !find_newest(cli, h, plan, &id))
        return false;
    if (history_show(h, id, &cli->arena, &document, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    if (plan_timing_read(plan, document, &cli->arena, timing))
        return true;
    cli_fail("session %.*s has no times of nodes, as those of the strategy minimal and of older versions; "
             "--timing=SESSION takes another's (pressrun history lists them)",
             STR_ARG(id));
    return false;
}

bool plan_session_read(struct cli *cli, const struct options *options, const struct plan *plan,
                       struct plan_timing *timing) {
    const char *directory = place_of(cli, options, plan);
    struct history *h;
    struct err err;
    if (strcmp(directory, "none") == 0) {
        cli_fail("no history is kept (PRESSRUN_HISTORY or --history is \"none\"), so there are no times");
        return false;
    }
    if (history_open(&cli->fs, directory, HISTORY_KEEP_ALL, &h, &err) != STATUS_OK) {
        cli_fail("%s (in %s)", err.text, directory);
        return false;
    }
    if (err.status != STATUS_OK && !cli->quiet)
        cli_note("the newest runs may be missing here: %s (in %s)", err.text, directory);
    const bool found = read_session(cli, h, options_get(options, "timing"), plan, timing);
    history_close(h);
    return found;
}
