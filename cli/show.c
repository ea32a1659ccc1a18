// SPDX-License-Identifier: MIT
#include "cli/show.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/reason_text.h"

static const double BAR_INTERVAL = 0.1, LINE_INTERVAL = 5.0;
enum { BAR_CELLS_LEAST = 6, BAR_CELLS = 24, KEY_BYTES = 200 };

// Numbers ---------------------------------------------------------------------------------------------------

void show_count(struct buf *out, uint64_t n) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

void show_bytes(struct buf *out, uint64_t bytes) {
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    if (bytes < 1000) {
        buf_printf(out, "%llu B", (unsigned long long)bytes);
        return;
    }
    double n = (double)bytes / 1000;
    size_t unit = 0;
    while (n >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
        n /= 1000;
        unit++;
    }
    buf_printf(out, "%.1f %s", n, units[unit]);
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

static void write_figures(const struct run_progress *p, struct buf *out) {
    show_count(out, p->loaded);
    buf_add_text(out, " records, ");
    show_count(out, p->written);
    buf_add_text(out, " written, ");
    if (p->failed) {
        show_count(out, p->failed);
        buf_add_text(out, " failed, ");
    }
    show_rate(out, p->loaded, p->seconds);
    if (p->source_bytes_total && p->source_bytes && p->seconds > 0.5 &&
        p->source_bytes <= p->source_bytes_total) {
        double left = p->seconds * ((double)p->source_bytes_total / (double)p->source_bytes - 1);
        buf_printf(out, ", ETA %.0f s", left);
    }
}

static size_t terminal_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// One line that fits the terminal: the bar takes what the figures leave, and is left out where that is too little.
static void write_bar(const struct run_progress *p, struct buf *out) {
    struct buf figures = BUF_INIT;
    size_t columns = terminal_columns() - 1;
    write_figures(p, &figures);
    buf_add_text(out, "\r\033[K");
    size_t around = sizeof " 100 %  " - 1;
    size_t cells = columns > figures.n + around ? columns - figures.n - around : 0;
    cells = cells < BAR_CELLS ? cells : BAR_CELLS;
    if (p->source_bytes_total && cells >= BAR_CELLS_LEAST) {
        double part = (double)p->source_bytes / (double)p->source_bytes_total;
        part = part > 1 ? 1 : part;
        for (size_t i = 0; i < cells; i++)
            buf_add_text(out, i < (size_t)(part * (double)cells) ? "█" : "░");
        buf_printf(out, " %3.0f %%  ", part * 100);
    }
    buf_add_str(out, str_slice(buf_str(&figures), 0, columns));
    buf_release(&figures);
}

static void show_progress(void *self, const struct run_progress *progress) {
    struct show *show = self;
    pthread_mutex_lock(&show->lock);
    if (show->progress && progress->seconds >= show->next) {
        struct buf text = BUF_INIT;
        show->next = progress->seconds + (show->terminal ? BAR_INTERVAL : LINE_INTERVAL);
        if (show->terminal) {
            write_bar(progress, &text);
            show->bar_shown = true;
        } else {
            buf_add_text(&text, "pressrun: ");
            write_figures(progress, &text);
            buf_add_char(&text, '\n');
        }
        write_err(&text);
    }
    pthread_mutex_unlock(&show->lock);
}

static void clear_bar(struct show *show, struct buf *out) {
    if (show->bar_shown)
        buf_add_text(out, "\r\033[K");
    show->bar_shown = false;
}

static void write_key(struct str key, struct buf *out) {
    show_escaped(out, key.n > KEY_BYTES ? str_slice(key, 0, KEY_BYTES) : key);
    if (key.n > KEY_BYTES)
        buf_add_text(out, "...");
}

// Where a failure is inside a template, the record it happened for is worth a line of its own.
static void write_failure(const struct failure *failure, bool colour, struct buf *out) {
    diag_write(failure->detail, colour, out);
    if (!failure->job.p && failure->detail->line)
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
        clear_bar(show, &text);
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
    clear_bar(show, &text);
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

void show_init(struct show *show, bool progress, bool notes, bool colour) {
    *show = (struct show){
        .progress = progress, .notes = notes, .colour = colour, .terminal = isatty(STDERR_FILENO)};
    show->next = show->terminal ? BAR_INTERVAL : LINE_INTERVAL;
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
                                 .progress = show_progress,
                                 .note = show_note,
                                 .warning = show_warning,
                                 .reason = show->reasons ? show_reason : NULL};
}

void show_end(struct show *show, const struct run_report *report) {
    struct buf text = BUF_INIT;
    clear_bar(show, &text);
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
