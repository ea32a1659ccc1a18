// SPDX-License-Identifier: MIT
// The databases that records and templates come from.
#include "base/buf.h"
#include "pipeline/doctor/doctor_queries.h"
#include "pipeline/doctor/doctor_sqlite.h"

enum { SIZE_TEXT = 32 };
static const uint64_t LOG_MANY = 64 << 20;

static bool is_database(const struct manifest_source *source) {
    const struct load_format *format =
        source->format.p ? load_format_named(source->format) : load_format_for(source->path);
    return format && strcmp(format->name, "sqlite") == 0;
}

static void say_fault(struct doctor *doctor, const char *name, struct str shown,
                      const struct doctor_sqlite *look) {
    static const struct {
        enum doctor_state state;
        const char *found, *advice;
    } words[] = {
        [DOCTOR_SQLITE_UNREADABLE] = {DOCTOR_FAIL, "cannot be read", "name another file, or make it"},
        [DOCTOR_SQLITE_LOCKED] = {DOCTOR_WARN, "is somebody else's for now",
                                  "run again when it is free; `retries` of a source waits for that"},
        [DOCTOR_SQLITE_DAMAGED] = {DOCTOR_FAIL, "is damaged",
                                   "sqlite3 FILE .recover saves what can be saved"},
        [DOCTOR_SQLITE_QUERY] = {DOCTOR_FAIL, "cannot answer its query", "correct its `query`"},
    };
    doctor_say(doctor, words[look->end].state, name, words[look->end].advice, "%.*s %s: %s", STR_ARG(shown),
               words[look->end].found, look->fault);
}

static void check_database(struct doctor *doctor, struct str named, struct str shown, struct str path,
                           struct str query) {
    struct doctor_sqlite look;
    struct buf name = BUF_INIT;
    char size[SIZE_TEXT], log[SIZE_TEXT];
    buf_add_str(&name, named);
    doctor_sqlite_look(&look, &doctor->options->clock, path.p, query.p);
    doctor_write_bytes(look.pages * look.page_size, size, sizeof size);
    doctor_write_bytes(look.log_bytes, log, sizeof log);
    if (look.end != DOCTOR_SQLITE_SOUND)
        say_fault(doctor, buf_text(&name), shown, &look);
    else if (look.log_bytes > LOG_MANY)
        doctor_say(doctor, DOCTOR_WARN, buf_text(&name),
                   "sqlite3 FILE \"PRAGMA wal_checkpoint(TRUNCATE)\" while nobody reads it",
                   "%.*s, %s, has a write-ahead log of %s, which every read looks through", STR_ARG(shown),
                   size, log);
    else
        doctor_say(doctor, DOCTOR_OK, buf_text(&name), NULL, "%.*s, %s: sound%s", STR_ARG(shown), size,
                   look.whole ? "" : " as far as it was read in a second");
    buf_release(&name);
}

void doctor_check_databases(struct doctor *doctor) {
    const struct manifest *manifest = doctor->options->manifest;
    const size_t before = doctor->n;
    for (size_t i = 0; manifest && i < manifest->sources_n; i++) {
        const struct manifest_source *source = &manifest->sources[i];
        if (source->url.p && source->name.p)
            doctor_check_server(doctor, source);
        else if (source->path.p && source->name.p && is_database(source))
            check_database(doctor, source->name, source->shown, source->path, source->query);
    }
    for (size_t i = 0; manifest && i < manifest->places_n; i++) {
        const struct manifest_place *place = &manifest->places[i];
        if (place->is_store)
            check_database(doctor, STR("templates"), place->shown, place->path, place->store.query);
    }
    if (doctor->n > before)
        doctor_check_connections(doctor);
    else
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "no source is one");
}
