// SPDX-License-Identifier: MIT
// The databases that records come from.
#include "base/buf.h"
#include "pipeline/doctor/doctor.h"
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
                                  "`retries` of the source waits for it"},
        [DOCTOR_SQLITE_DAMAGED] = {DOCTOR_FAIL, "is damaged",
                                   "sqlite3 FILE .recover saves what can be saved"},
        [DOCTOR_SQLITE_QUERY] = {DOCTOR_FAIL, "cannot answer its query", "correct `query` of the source"},
    };
    doctor_say(doctor, words[look->end].state, name, words[look->end].advice, "%.*s %s: %s", STR_ARG(shown),
               words[look->end].found, look->fault);
}

static void check_source(struct doctor *doctor, const struct manifest_source *source) {
    struct doctor_sqlite look;
    struct buf name = BUF_INIT;
    char size[SIZE_TEXT], log[SIZE_TEXT];
    buf_printf(&name, "%.*s", STR_ARG(source->name));
    doctor_sqlite_look(&look, &doctor->options->clock, source->path.p, source->query.p);
    doctor_write_bytes(look.pages * look.page_size, size, sizeof size);
    doctor_write_bytes(look.log_bytes, log, sizeof log);
    const struct str shown = source->shown;
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
    for (size_t i = 0; manifest && i < manifest->sources_n; i++)
        if (manifest->sources[i].path.p && manifest->sources[i].name.p && is_database(&manifest->sources[i]))
            check_source(doctor, &manifest->sources[i]);
    if (doctor->n == before)
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "no source is one");
}
