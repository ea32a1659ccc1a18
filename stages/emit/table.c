// SPDX-License-Identifier: MIT
/*
 * Rows in a table of a SQLite database: each output is one, as plain text beside its record's key, or as a JSON
 * object whose keys are the columns. What rows and columns mean is table_values.h's and table_rows.h's business, the
 * file and its transactions are table_file.h's; here are the lanes.
 *
 * A lane holds its rows until it is flushed, in batch order, so that of two rows with one key it is always the later
 * record's that is refused: some MiB of them in memory, those behind as texts in a file, of which rows are made again
 * when they are put. For the refusing the keys of all rows are remembered: about 32 bytes a row (table_keys.h).
 *
 * A row that the table refuses is told, and the others go in. What goes wrong beyond a row loses the transaction,
 * also for the sinks that write other tables of the database (`beside`) and have rows in it; later flushes fail.
 *
 * What is in the transaction is reported once it is committed, by a later flush or by the close, which commits it. A
 * sink that is dropped takes its rows out of the transaction again, except where others have rows in it, too: then it
 * is committed, and what it holds of the dropped one is reported and stays.
 */
#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "stages/emit/emit.h"
#include "stages/emit/place.h"
#include "stages/emit/spill.h"
#include "stages/emit/table_file.h"
#include "stages/emit/table_rows.h"

enum {
    TEXT_KEPT = 1 << 20,
    ROWS_MEMORY = 8 << 20,
    SPILL_MEMORY = 1 << 20,
};

struct sink {
    struct arena arena; // of the texts below
    struct str path, table;
    struct str *unique;
    size_t unique_n;
    bool raw;
    bool broken; // a flush failed
    struct shapes *shapes;
    struct table_writer writer; // its file is shared by the sinks of the database
    struct table_rows *rows;
};

struct lane {
    struct sink *sink;
    struct arena arena; // of the rows
    struct table_values values;
    struct table_wishes wishes; // of the rows
    struct table_row *rows;     // owned
    size_t rows_n, rows_cap;
    struct spill spill;   // the rows behind them, each as a struct frame, its key and its text
    size_t spilled_n;     // of these rows
    struct buf key, text; // of the output in progress
    bool is_open;
    struct lane_refusal *refusals; // owned; of the last flush
    size_t refusals_n, refusals_cap;
    struct arena told; // of their texts
};

struct frame {
    size_t key_n, text_n;
};

// Opening and closing --------------------------------------------------------------------------------------------

static enum status refuse(const struct sink *sink, const char *why, struct err *err) {
    return table_file_refuse(sink->path, why, err);
}

static void sink_free(struct sink *sink) {
    struct table_file *file = sink->writer.file;
    if (file) {
        table_file_lock(file);
        table_rows_free(sink->rows);
        table_file_unlock(file);
    }
    table_file_leave(&sink->writer);
    shapes_free(sink->shapes);
    arena_release(&sink->arena);
    mem_free(sink);
}

static enum status check_options(const struct sink_options *options, const struct sink *sink,
                                 struct err *err) {
    if (str_is(options->path, "-"))
        return err_set(err, STATUS_DATA, "a table cannot go to standard output");
    if (emit_check_path(options->path, err) != STATUS_OK)
        return err->status;
    if (str_ends(options->path, STR(".zst")))
        return refuse(sink, "a database that is compressed cannot be written row by row", err);
    if (options->table.n == 0 || memchr(options->table.p, 0, options->table.n))
        return refuse(sink, "the table needs a name, without a NUL", err);
    if (options->unique_n > 0 && !options->raw)
        return refuse(sink, "only rows of `raw` outputs have columns to say with `unique`", err);
    return STATUS_OK;
}

static enum status copy_options(struct sink *sink, const struct sink_options *options, struct err *err) {
    sink->path = arena_str(&sink->arena, options->path);
    sink->table = arena_str(&sink->arena, options->table);
    sink->unique_n = options->unique_n;
    sink->unique = ARENA_NEW_ARRAY(&sink->arena, struct str, options->unique_n);
    bool fine = sink->path.p && sink->table.p && sink->unique;
    for (size_t i = 0; fine && i < options->unique_n; i++) {
        sink->unique[i] = arena_str(&sink->arena, options->unique[i]);
        fine = sink->unique[i].p;
    }
    return fine ? STATUS_OK : err_set(err, STATUS_MEMORY, "no memory for an output's options");
}

static enum status open_table(struct sink *sink, struct err *err) {
    struct table_file *file = sink->writer.file;
    table_file_lock(file);
    enum status status = table_rows_open(file, sink->table, sink->unique, sink->unique_n, &sink->rows, err);
    table_file_unlock(file);
    return status;
}

static enum status table_open(const struct sink_options *options, struct sink **out, struct err *err) {
    struct sink *sink = MEM_NEW(struct sink);
    *sink = (struct sink){.raw = options->raw, .shapes = shapes_new()};
    arena_init(&sink->arena, 0);
    enum status status = copy_options(sink, options, err);
    if (status == STATUS_OK)
        status = check_options(options, sink, err);
    sink->writer.table = sink->table;
    if (status == STATUS_OK)
        status =
            table_file_enter(options, options->beside ? &options->beside->writer : NULL, &sink->writer, err);
    if (status == STATUS_OK)
        status = open_table(sink, err);
    if (status == STATUS_OK)
        *out = sink;
    else
        sink_free(sink);
    return status;
}

// Outputs --------------------------------------------------------------------------------------------------------

static struct lane *table_lane_new(struct sink *sink) {
    struct lane *lane = MEM_NEW(struct lane);
    lane->sink = sink;
    arena_init(&lane->arena, 0);
    arena_init(&lane->told, 0);
    spill_init(&lane->spill, &sink->writer.file->fs, sink->writer.file->directory, SPILL_MEMORY);
    table_wishes_init(&lane->wishes);
    table_values_init(&lane->values, sink->shapes, sink->unique, sink->unique_n);
    return lane;
}

static void table_lane_free(struct lane *lane) {
    if (!lane)
        return;
    table_values_release(&lane->values);
    table_wishes_release(&lane->wishes);
    spill_release(&lane->spill);
    arena_release(&lane->arena);
    arena_release(&lane->told);
    mem_free(lane->refusals);
    buf_release(&lane->key);
    buf_release(&lane->text);
    mem_free(lane->rows);
    mem_free(lane);
}

static void table_abort(struct lane *lane) {
    lane->is_open = false;
    buf_clear(&lane->key);
    buf_clear(&lane->text);
    buf_shrink(&lane->text, TEXT_KEPT);
}

static void forget_refusals(struct lane *lane) {
    if (lane->refusals_n > 0)
        arena_clear(&lane->told);
    lane->refusals_n = 0;
}

static enum status table_begin(struct lane *lane, struct str name, struct err *err) {
    table_abort(lane);
    forget_refusals(lane);
    if (name.n && memchr(name.p, 0, name.n))
        return err_set(err, STATUS_DATA, "the record's key has a NUL character");
    lane->is_open = true;
    buf_add_str(&lane->key, name);
    return STATUS_OK;
}

static enum status table_write(struct lane *lane, struct str piece, struct err *err) {
    assert(lane->is_open);
    if (piece.n > TABLE_TEXT_MAX - lane->text.n) {
        table_abort(lane);
        return err_set(err, STATUS_LIMIT, "the output is longer than a column takes (%d bytes)",
                       TABLE_TEXT_MAX);
    }
    buf_add_str(&lane->text, piece);
    return STATUS_OK;
}

// Of texts that live as long as the row.
static enum status make_row(struct lane *lane, struct str key, struct str text, struct table_row *row,
                            struct err *err) {
    *row = (struct table_row){.key = key, .bytes = text.n};
    return lane->sink->raw ? table_values_of_json(&lane->values, text, &lane->arena, row, err)
                           : table_values_of_text(&lane->values, text, &lane->arena, row, err);
}

static enum status keep_row(struct lane *lane, struct err *err) {
    struct str text = arena_str(&lane->arena, buf_str(&lane->text));
    struct str key = arena_str(&lane->arena, buf_str(&lane->key));
    struct table_row row;
    if (!text.p || !key.p)
        return err_set(err, STATUS_MEMORY, "no memory for the output");
    if (make_row(lane, key, text, &row, err) != STATUS_OK)
        return err->status;
    table_wishes_add(&lane->wishes, row.shape);
    MEM_GROW(lane->rows, lane->rows_cap, lane->rows_n + 1);
    lane->rows[lane->rows_n++] = row;
    return STATUS_OK;
}

// The row is made all the same, and given up again: what is wrong with it is said now.
static enum status spill_row(struct lane *lane, struct err *err) {
    struct arena_mark mark = arena_mark(&lane->arena);
    struct str key = buf_str(&lane->key), text = buf_str(&lane->text);
    struct table_row row;
    enum status status = make_row(lane, key, text, &row, err);
    if (status == STATUS_OK)
        table_wishes_add(&lane->wishes, row.shape);
    arena_rewind(&lane->arena, mark);
    if (status != STATUS_OK)
        return status;
    struct spill *spill = &lane->spill;
    uint64_t from = spill_end(spill);
    struct frame frame = {key.n, text.n};
    buf_add(&spill->text, (const char *)&frame, sizeof frame);
    buf_add_str(&spill->text, key);
    buf_add_str(&spill->text, text);
    int result = spill_settle(spill);
    if (result < 0) {
        spill_cut(spill, from);
        return place_error(err, -result, lane->sink->path);
    }
    lane->spilled_n++;
    return STATUS_OK;
}

static enum status table_commit(struct lane *lane, struct err *err) {
    assert(lane->is_open);
    struct arena_mark mark = arena_mark(&lane->arena);
    bool room = lane->spilled_n == 0 && arena_used(&lane->arena) + lane->text.n <= ROWS_MEMORY;
    enum status status = room ? keep_row(lane, err) : spill_row(lane, err);
    table_abort(lane);
    if (status != STATUS_OK)
        arena_rewind(&lane->arena, mark);
    return status;
}

// Flushing -------------------------------------------------------------------------------------------------------

static void note_refusal(struct lane *lane, size_t output, const char *why) {
    const char *text = arena_copy(&lane->told, why, strlen(why));
    MEM_GROW(lane->refusals, lane->refusals_cap, lane->refusals_n + 1);
    lane->refusals[lane->refusals_n++] =
        (struct lane_refusal){output, text ? text : "the table does not take the row (no memory to say why)"};
}

// Ends the transaction where it has become large in the middle of a flush, since all of it is in memory.
static enum status put_row(struct lane *lane, size_t output, const struct table_row *row, struct err *err) {
    struct sink *sink = lane->sink;
    struct table_file *file = sink->writer.file;
    if (table_file_is_interrupted(file))
        return table_file_interrupted(file, err);
    if (table_file_is_large(file) && table_file_commit(file, err) != STATUS_OK)
        return err->status;
    enum table_put put = TABLE_UNCHANGED;
    if (table_file_join(&sink->writer, err) != STATUS_OK ||
        table_rows_put(sink->rows, row, &put, err) != STATUS_OK)
        return err->status;
    file->bytes += row->bytes;
    if (put == TABLE_REFUSED) {
        note_refusal(lane, output, err->text);
        return STATUS_OK;
    }
    struct lane_result *pending = &sink->writer.pending;
    pending->written += put == TABLE_WRITTEN;
    pending->unchanged += put == TABLE_UNCHANGED;
    pending->bytes += row->bytes;
    pending->stored += put == TABLE_WRITTEN ? row->bytes : 0;
    return STATUS_OK;
}

// Spilled rows on their way back.
struct replay {
    struct lane *lane;
    size_t output;
    struct buf bytes; // what has come and was not put yet
    enum status status;
    struct err *err;
};

static enum status replay_row(struct replay *r, struct str key, struct str text) {
    struct lane *lane = r->lane;
    struct arena_mark mark = arena_mark(&lane->arena);
    struct table_row row;
    enum status status = STATUS_OK;
    if (make_row(lane, key, text, &row, r->err) != STATUS_OK) // a second time: for want of memory
        note_refusal(lane, r->output, r->err->text);
    else
        status = put_row(lane, r->output, &row, r->err);
    arena_rewind(&lane->arena, mark);
    r->output++;
    return status;
}

// A piece ends anywhere.
static int replay_piece(void *self, struct str piece) {
    struct replay *r = self;
    buf_add_str(&r->bytes, piece);
    struct str rest = buf_str(&r->bytes);
    struct frame frame;
    while (rest.n >= sizeof frame) {
        memcpy(&frame, rest.p, sizeof frame);
        size_t key_end = sizeof frame + frame.key_n, end = key_end + frame.text_n;
        if (rest.n < end)
            break;
        r->status = replay_row(r, str_slice(rest, sizeof frame, key_end), str_slice(rest, key_end, end));
        if (r->status != STATUS_OK)
            return -ECANCELED;
        rest = str_from(rest, end);
    }
    if (rest.n > 0)
        memmove(r->bytes.p, rest.p, rest.n);
    r->bytes.n = rest.n;
    return 0;
}

static enum status put_spilled(struct lane *lane, struct err *err) {
    struct replay r = {.lane = lane, .output = lane->rows_n, .err = err};
    int result = spill_read(&lane->spill, replay_piece, &r);
    buf_release(&r.bytes);
    return r.status == STATUS_OK && result < 0 ? place_error(err, -result, lane->sink->path) : r.status;
}

static enum status put_rows(struct lane *lane, struct err *err) {
    struct sink *sink = lane->sink;
    if (table_file_join(&sink->writer, err) != STATUS_OK ||
        table_rows_widen(sink->rows, &lane->wishes, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < lane->rows_n; i++)
        if (put_row(lane, i, &lane->rows[i], err) != STATUS_OK)
            return err->status;
    return lane->spilled_n > 0 ? put_spilled(lane, err) : STATUS_OK;
}

static enum status broken_error(const struct sink *sink, struct err *err) {
    char shown[EMIT_SHOWN_SIZE];
    return err_set(err, STATUS_IO, "%s is incomplete: earlier rows of it could not be written",
                   emit_show_path(sink->path, shown));
}

static void lane_clear(struct lane *lane) {
    table_abort(lane);
    lane->rows_n = lane->spilled_n = 0;
    spill_clear(&lane->spill);
    table_wishes_clear(&lane->wishes);
    arena_clear(&lane->arena);
}

static enum status flush_rows(struct lane *lane, struct err *err) {
    struct table_file *file = lane->sink->writer.file;
    if (file->broken)
        return broken_error(lane->sink, err);
    if (lane->rows_n == 0 && lane->spilled_n == 0)
        return STATUS_OK;
    enum status status = put_rows(lane, err);
    if (status != STATUS_OK) {
        table_file_break(file);
        return status;
    }
    file->flushes++;
    return table_file_is_due(file) ? table_file_commit(file, err) : STATUS_OK;
}

static enum status table_flush(struct lane *lane, struct lane_result *result, struct err *err) {
    struct sink *sink = lane->sink;
    struct table_file *file = sink->writer.file;
    forget_refusals(lane);
    table_file_lock(file);
    enum status status = flush_rows(lane, err);
    table_file_settle(&sink->writer, result);
    table_file_unlock(file);
    if (status != STATUS_OK) {
        sink->broken = true;
        forget_refusals(lane);
    }
    result->refusals = lane->refusals;
    result->refusals_n = lane->refusals_n;
    lane_clear(lane);
    return status;
}

// Where there was no row.
static enum status make_table(struct sink *sink, struct err *err) {
    static const struct str text = {TABLE_TEXT_COLUMN, sizeof TABLE_TEXT_COLUMN - 1};
    enum status status = table_file_join(&sink->writer, err);
    if (status == STATUS_OK)
        status = table_rows_make(sink->rows, &text, sink->raw ? 0 : 1, err);
    if (status != STATUS_OK)
        table_file_break(sink->writer.file);
    return status;
}

static enum status publish_rows(struct sink *sink, struct err *err) {
    struct table_file *file = sink->writer.file;
    bool made = table_rows_is_made(sink->rows);
    if (sink->broken || table_file_has_lost(&sink->writer) || (file->broken && !made))
        return broken_error(sink, err);
    if (!made && make_table(sink, err) != STATUS_OK)
        return err->status;
    return sink->writer.transaction > file->committed ? table_file_commit(file, err) : STATUS_OK;
}

static enum status table_close(struct sink *sink, bool publish, struct lane_result *result, struct err *err) {
    struct table_file *file = sink->writer.file;
    table_file_lock(file);
    enum status status = publish ? publish_rows(sink, err) : table_file_withdraw(&sink->writer, err);
    if (status == STATUS_OK)
        status = table_file_keep_name(file, err);
    table_file_settle(&sink->writer, result);
    table_file_unlock(file);
    sink_free(sink);
    return status;
}

static const char *const extensions[] = {".sqlite", ".sqlite3", ".db", NULL};

const struct sink_kind emit_table = {
    .name = "table",
    .doc = "rows of a table in a SQLite database: key and text, or with `raw` the columns of a JSON object",
    .extensions = extensions,
    .ordered = true,
    .named = false,
    .rows = true,
    .open = table_open,
    .lane_new = table_lane_new,
    .lane_free = table_lane_free,
    .begin = table_begin,
    .write = table_write,
    .commit = table_commit,
    .abort = table_abort,
    .flush = table_flush,
    .close = table_close,
};
