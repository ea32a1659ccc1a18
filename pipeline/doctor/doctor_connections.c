// SPDX-License-Identifier: MIT
// What the last run's connections to databases did, as its session tells.
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>

#include "base/mem.h"
#include "monitor/history.h"
#include "pipeline/doctor/doctor.h"

enum { SESSION_MOST = 64 << 20, NAME_SIZE = 256 };

static bool take_newest(void *context, const char *name, enum fs_entry kind) {
    char *newest = context;
    if (kind == FS_FILE && str_ends(str_of(name), STR(".json")) && strcmp(name, newest) > 0)
        snprintf(newest, NAME_SIZE, "%s", name);
    return true;
}

// Of the sessions that wait to be merged; names begin with when they began.
static json_t *read_waiting(const struct doctor_options *options) {
    struct buf path = BUF_INIT;
    struct err err;
    char newest[NAME_SIZE] = "", *text = NULL;
    size_t size = 0;
    json_t *session = NULL;
    buf_printf(&path, "%s/sessions", options->history);
    options->fs->list(options->fs->self, AT_FDCWD, buf_text(&path), take_newest, newest);
    buf_printf(&path, "/%s", newest);
    if (newest[0] &&
        fs_read_file(options->fs, buf_text(&path), SESSION_MOST, &text, &size, &err) == STATUS_OK)
        session = json_loadb(text, size, 0, NULL);
    mem_free(text);
    buf_release(&path);
    return session;
}

static json_t *read_merged(struct doctor *doctor) {
    struct history *history = NULL;
    struct err err;
    struct str text;
    json_t *session = NULL;
    if (history_open_merged(doctor->options->history, &history, &err) == STATUS_OK &&
        history_show(history, STR(""), &doctor->arena, &text, &err) == STATUS_OK)
        session = json_loadb(text.p, text.n, 0, NULL);
    history_close(history);
    return session;
}

static unsigned long long count(const json_t *database, const char *key) {
    return (unsigned long long)json_integer_value(json_object_get(database, key));
}

static void say_database(struct doctor *doctor, const json_t *database) {
    static const double LONG = 1;
    const double waited = json_number_value(json_object_get(database, "waited_seconds"));
    const unsigned long long failed = count(database, "failed");
    const char *advice = failed           ? "it was replaced, or too busy to be read by several at once"
                         : waited >= LONG ? "more connections (`databases: most`), or fewer sources at once"
                                          : NULL;
    const char *name = json_string_value(json_object_get(database, "name"));
    doctor_say(
        doctor, advice ? DOCTOR_WARN : DOCTOR_OK, "connections", advice,
        "%s in the last run: connections: %llu, at once: %llu, ranges: %llu, failed: %llu; waits: %llu, "
        "%.3f s",
        name ? name : "", count(database, "opened"), count(database, "at_once"), count(database, "ranges"),
        failed, count(database, "waited"), waited);
}

void doctor_check_connections(struct doctor *doctor) {
    json_t *database;
    size_t i;
    if (!doctor->options->history)
        return;
    json_t *session = read_waiting(doctor->options);
    if (!session)
        session = read_merged(doctor);
    json_array_foreach(json_object_get(session, "databases"), i, database) {
        say_database(doctor, database);
    }
    json_decref(session);
}
