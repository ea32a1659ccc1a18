// SPDX-License-Identifier: MIT
#include "cli/show.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/quantity.h"
#include "cli/live_view.h"
#include "cli/reason_text.h"

static const double LINE_INTERVAL = 5.0;
enum { COLUMNS = 80, ROWS = 24, KEY_BYTES = 200 };

// Numbers ---------------------------------------------------------------------------------------------------

void show_count(struct buf *out, uint64_t n) {
    quantity_count(out, n);
}

void show_bytes(struct buf *out, uint64_t bytes) {
    quantity_bytes(out, bytes);
}

void show_seconds(struct buf *out, double seconds) {
    if (seconds < 0.9995)
        buf_printf(out, "%.0f ms", seconds * 1000);
    else if (seconds < 120)
        buf_printf(out, "%.2f s", seconds);
    else
        buf_printf(out, "%.0f min %02d s", (double)(long)(seconds / 60), (int)seconds % 60);
}

void show_escaped(struct buf *out, struct str text) {
    struct arena arena;
    arena_init(&arena, 0);
    struct str shown = diag_escape(&arena, text);
    buf_add_str(out, shown.p ? shown : STR("?"));
    arena_release(&arena);
}

void show_rate(struct buf *out, uint64_t n, double seconds) {
    show_count(out, seconds > 0 ? (uint64_t)((double)n / seconds) : 0);
    buf_add_text(out, " records/s");
}

// Progress --------------------------------------------------------------------------------------------------

static void write_err(struct buf *text) {
    if (text->n)
        fwrite(text->p, 1, text->n, stderr);
    fflush(stderr);
    buf_release(text);
}

static void look_at_terminal(struct live_view *view) {
    struct winsize size;
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
    view->columns =
        (known && size.ws_col > 0 ? size.ws_col : COLUMNS) - 1u; // behind the last one it may wrap
    view->rows = known && size.ws_row > 1 ? size.ws_row - 1u : ROWS;
}

// From wherever in the last line the view ends, to the beginning of its first.
static void go_back(const struct show *show, struct buf *out) {
    buf_add_char(out, '\r');
    if (show->lines > 1)
        buf_printf(out, "\033[%zuA", show->lines - 1);
}

// Line over line, so that nothing flickers.
static void redraw(struct show *show, const struct snapshot *snapshot, struct buf *out) {
    struct live_view view = {.colour = show->colour};
    struct buf text = BUF_INIT;
    look_at_terminal(&view);
    if (!show->interrupted && show->interrupt && atomic_load(show->interrupt)) {
        show->interrupted = true;
        show->lines = 0; // that was told below it (interrupt.h)
    }
    if (show->lines)
        go_back(show, out);
    show->lines = live_view_write(&view, snapshot, &text);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n')
            buf_add_text(out, "\033[K");
        buf_add_char(out, text.p[i]);
    }
    buf_add_text(out, "\033[J");
    buf_release(&text);
}

static void clear_view(struct show *show, struct buf *out) {
    if (show->lines == 0)
        return;
    go_back(show, out);
    buf_add_text(out, "\033[J");
    show->lines = 0;
}

static void show_progress(struct show *show, const struct snapshot *snapshot) {
    struct buf text = BUF_INIT;
    pthread_mutex_lock(&show->lock);
    if (show->terminal) {
        redraw(show, snapshot, &text);
        write_err(&text);
    } else if (snapshot->seconds >= show->next) {
        show->next = snapshot->seconds + LINE_INTERVAL;
        buf_add_text(&text, "pressrun: ");
        live_view_write_line(snapshot, &text);
        buf_add_char(&text, '\n');
        write_err(&text);
    }
    pthread_mutex_unlock(&show->lock);
}

static void show_snapshot(void *self, const struct snapshot *snapshot) {
    struct show *show = self;
    if (show->progress)
        show_progress(show, snapshot);
    for (size_t i = 0; i < show->takers_n; i++)
        show->takers[i].take(show->takers[i].self, snapshot);
}

void show_add_taker(struct show *show, struct snapshot_taker taker) {
    assert(show->takers_n < SHOW_TAKERS);
    show->takers[show->takers_n++] = taker;
}

static void write_key(struct str key, struct buf *out) {
    show_escaped(out, key.n > KEY_BYTES ? str_slice(key, 0, KEY_BYTES) : key);
    if (key.n > KEY_BYTES)
        buf_add_text(out, "...");
}

// Where a failure is not in the record itself, but in a template or an expression, the record it happened for is worth a
// line of its own, unless nothing is known of it but its source.
static void write_failure(const struct failure *failure, bool colour, struct buf *out) {
    const struct diag *detail = failure->detail;
    diag_write(detail, colour, out);
    const bool known = failure->line || failure->key.p;
    if (!failure->job.p && detail->line && (!known || str_equal(detail->file, failure->path)))
        return;
    buf_printf(out, "  record: %.*s", STR_ARG(failure->path));
    if (failure->line)
        buf_printf(out, ":%llu", (unsigned long long)failure->line);
    if (failure->key.p) {
        buf_add_text(out, ", key ");
        write_key(failure->key, out);
    }
    if (failure->job.p)
        buf_printf(out, ", job %.*s", STR_ARG(failure->job));
    buf_add_char(out, '\n');
}

// Whether the same fault was shown last: one mistake in a template fails many records.
static bool is_alike(struct show *show, const struct failure *failure) {
    const struct diag *d = failure->detail;
    char fault[sizeof show->last];
    snprintf(fault, sizeof fault, "%.*s:%u:%u:%.*s", STR_ARG(d->file), d->line, d->column,
             STR_ARG(d->message));
    bool alike = strcmp(fault, show->last) == 0;
    memcpy(show->last, fault, sizeof fault);
    show->alike = alike ? show->alike + 1 : 1;
    return alike;
}

static void write_folded(struct show *show, struct buf *out) {
    if (show->folded == 0)
        return;
    buf_add_text(out, "  and ");
    show_count(out, show->folded);
    buf_add_text(out, " more like it\n");
    show->folded = 0;
}

static void show_failure(void *self, const struct failure *failure) {
    struct show *show = self;
    struct buf text = BUF_INIT;
    pthread_mutex_lock(&show->lock);
    if (is_alike(show, failure) && show->alike > SHOW_ALIKE) {
        show->folded++;
    } else if (show->failures++ < SHOW_FAILURES) {
        clear_view(show, &text);
        write_folded(show, &text);
        write_failure(failure, show->colour, &text);
    }
    if (text.n)
        write_err(&text);
    pthread_mutex_unlock(&show->lock);
}

static void show_warning(void *self, const char *sentence) {
    struct show *show = self;
    struct buf text = BUF_INIT;
    pthread_mutex_lock(&show->lock);
    clear_view(show, &text);
    buf_add_text(&text, "pressrun: ");
    show_escaped(&text, str_of(sentence));
    buf_add_char(&text, '\n');
    write_err(&text);
    pthread_mutex_unlock(&show->lock);
}

static void show_note(void *self, const char *sentence) {
    const struct show *show = self;
    if (show->notes)
        show_warning(self, sentence);
}

static bool can_redraw(void) {
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

void show_init(struct show *show, bool progress, bool notes, bool colour) {
    *show = (struct show){.progress = progress,
                          .notes = notes,
                          .colour = colour,
                          .terminal = can_redraw(),
                          .next = LINE_INTERVAL};
    pthread_mutex_init(&show->lock, NULL);
}

void show_release(struct show *show) {
    pthread_mutex_destroy(&show->lock);
}

static void show_reason(void *self, const struct run_reason *reason) {
    const struct show *show = self;
    reason_lines_add(show->reasons, reason);
}

struct run_observer show_observer(struct show *show) {
    return (struct run_observer){.self = show,
                                 .failure = show_failure,
                                 .snapshot = show->progress || show->takers_n ? show_snapshot : NULL,
                                 .note = show_note,
                                 .warning = show_warning,
                                 .reason = show->reasons ? show_reason : NULL};
}

void show_end(struct show *show, const struct run_report *report) {
    struct buf text = BUF_INIT;
    clear_view(show, &text);
    write_folded(show, &text);
    if (show->failures > SHOW_FAILURES) {
        buf_add_text(&text, "pressrun: and ");
        show_count(&text, show->failures - SHOW_FAILURES);
        buf_add_text(&text, " more");
        if (report->errors_path[0])
            buf_printf(&text, ", all in %s", report->errors_path);
        buf_add_char(&text, '\n');
    }
    write_err(&text);
}
