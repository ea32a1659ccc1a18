// SPDX-License-Identifier: MIT
#include "monitor/openmetrics.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#define PREFIX "pressrun_"

// ---- lines

// Names of templates are names of files, which may be no UTF-8.
static void add_escaped(struct buf *out, struct str text, const char *escaped) {
    size_t bad;
    while (!utf8_valid(text, &bad)) {
        add_escaped(out, str_slice(text, 0, bad), escaped);
        buf_add_char(out, '?');
        text = str_from(text, bad + 1);
    }
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (c && strchr(escaped, c))
            buf_add_char(out, '\\');
        buf_add_char(out, c == '\n' ? 'n' : c);
    }
}

static void begin_sample(const struct snapshot *s, const char *family, const char *suffix, struct buf *out) {
    buf_printf(out, PREFIX "%s%s{name=\"", family, suffix);
    add_escaped(out, s->name, "\\\"\n");
    buf_add_char(out, '"');
}

static void add_label(const char *label, struct str value, struct buf *out) {
    buf_printf(out, ",%s=\"", label);
    add_escaped(out, value, "\\\"\n");
    buf_add_char(out, '"');
}

static void end_sample(double value, struct buf *out) {
    buf_printf(out, "} %.15g\n", value);
}

// ---- families

struct family {
    const char *name, *type, *unit, *help; // unit: "" where there is none
};

static void begin_family(const struct family *family, struct buf *out) {
    buf_printf(out, "# TYPE " PREFIX "%s %s\n", family->name, family->type);
    if (*family->unit)
        buf_printf(out, "# UNIT " PREFIX "%s %s\n", family->name, family->unit);
    buf_printf(out, "# HELP " PREFIX "%s ", family->name);
    add_escaped(out, str_of(family->help), "\\\n");
    buf_add_char(out, '\n');
}

static const char *unit_of(const struct metric_row *row) {
    return strcmp(row->unit, "s") == 0 ? "seconds" : strcmp(row->unit, "B") == 0 ? "bytes" : "";
}

// "cache.render.hits" is of a category; cache.audited is not.
static bool category_of(const struct metric_row *row, struct str *category, const char **what) {
    const char *const dot = strchr(row->name, '.') + 1, *const second = strchr(dot, '.');
    if (strncmp(row->name, "cache.", 6) != 0 || !second)
        return false;
    *category = (struct str){dot, (size_t)(second - dot)};
    *what = second + 1;
    return true;
}

static void write_metrics(const struct snapshot *s, struct buf *out) {
    struct buf name = BUF_INIT;
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_rows[i];
        struct str category;
        const char *what;
        if (!s->known[i] || category_of(row, &category, &what))
            continue;
        buf_clear(&name);
        for (const char *p = row->name; *p; p++)
            buf_add_char(&name, *p == '.' ? '_' : *p);
        const struct family family = {buf_text(&name), "gauge", unit_of(row), row->meaning};
        begin_family(&family, out);
        begin_sample(s, family.name, "", out);
        end_sample(s->values[i], out);
    }
    buf_release(&name);
}

static void write_cache(const struct snapshot *s, struct buf *out) {
    static const struct {
        const char *what;
        struct family family;
    } families[] = {
        {"hits", {"cache_hits", "gauge", "", "what was asked for and found, by category"}},
        {"misses", {"cache_misses", "gauge", "", "what was asked for and not found, by category"}},
        {"hit_rate", {"cache_hit_rate", "gauge", "", "hits as a share of what was asked for, by category"}},
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        bool begun = false;
        for (int i = 0; i < METRICS; i++) {
            struct str category;
            const char *what;
            if (!s->known[i] || !category_of(&metric_rows[i], &category, &what) ||
                strcmp(what, families[f].what) != 0)
                continue;
            if (!begun)
                begin_family(&families[f].family, out);
            begun = true;
            begin_sample(s, families[f].family.name, "", out);
            add_label("category", category, out);
            end_sample(s->values[i], out);
        }
    }
}

// ---- distributions

struct durations {
    const char *prefix; // of the distribution; "": it has none, and is a stage
    const char *label;
    struct family family;
};

static bool is_of(const struct snapshot_distribution *d, const struct durations *kind, struct str *subject) {
    const struct str prefix = str_of(kind->prefix);
    *subject = str_from(d->name, prefix.n);
    return d->figures[FIGURE_COUNT] > 0 && (prefix.n ? str_starts(d->name, prefix) && d->name.n > prefix.n
                                                     : !memchr(d->name.p, '.', d->name.n));
}

static void write_summary(const struct snapshot *s, const struct durations *kind, struct str subject,
                          const double figures[FIGURES], struct buf *out) {
    static const struct {
        const char *quantile;
        enum metric_figure figure;
    } quantiles[] = {{"0.5", FIGURE_P50}, {"0.95", FIGURE_P95}, {"0.99", FIGURE_P99}, {"1", FIGURE_MAX}};
    for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles; q++) {
        begin_sample(s, kind->family.name, "", out);
        add_label(kind->label, subject, out);
        add_label("quantile", str_of(quantiles[q].quantile), out);
        end_sample(figures[quantiles[q].figure], out);
    }
    begin_sample(s, kind->family.name, "_sum", out);
    add_label(kind->label, subject, out);
    end_sample(figures[FIGURE_MEAN] * figures[FIGURE_COUNT], out);
    begin_sample(s, kind->family.name, "_count", out);
    add_label(kind->label, subject, out);
    end_sample(figures[FIGURE_COUNT], out);
}

static void write_distributions(const struct snapshot *s, struct buf *out) {
#define SUMMARY(name, help)                                                                                  \
    { name, "summary", "seconds", help }
    static const struct durations kinds[] = {
        {"", "stage", SUMMARY("stage_duration_seconds", "of a batch in a stage; rendering: of an output")},
        {"job.", "job", SUMMARY("job_output_duration_seconds", "of rendering an output of a job")},
        {"template.", "template",
         SUMMARY("template_output_duration_seconds", "of rendering an output of a template")},
        {"through.", "job", SUMMARY("filter_duration_seconds", "of a process of a job's filter")},
    };
#undef SUMMARY
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        bool begun = false;
        for (size_t i = 0; i < s->distributions_n; i++) {
            struct str subject;
            if (!is_of(&s->distributions[i], &kinds[k], &subject))
                continue;
            if (!begun)
                begin_family(&kinds[k].family, out);
            begun = true;
            write_summary(s, &kinds[k], subject, s->distributions[i].figures, out);
        }
    }
}

// ---- all of it

void openmetrics_write(const struct snapshot *s, struct buf *out) {
    static const struct family state = {"run_state", "gauge", "",
                                        "1; labels say how the run is done and what came of it"};
    begin_family(&state, out);
    begin_sample(s, state.name, "", out);
    add_label("strategy", s->strategy, out);
    add_label("outcome", s->over ? s->outcome : STR("running"), out);
    end_sample(1, out);
    write_metrics(s, out);
    write_cache(s, out);
    write_distributions(s, out);
    buf_add_text(out, "# EOF\n");
}

// `path` is for messages: what it is to become.
static enum status write_file(const struct fs *fs, const char *temporary, const char *path, struct str text,
                              struct err *err) {
    const int fd =
        fs->open(fs->self, AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_os(err, -fd, "cannot write %s", path);
    const enum status status = fs_write_all(fs, fd, text.p, text.n, err);
    const int written = status == STATUS_OK ? 0 : -err->os;
    const int closed = fs->close(fs->self, fd);
    const int failed = written < 0 ? written : closed;
    return failed < 0 ? err_os(err, -failed, "cannot write %s", path) : STATUS_OK;
}

enum status openmetrics_save(const struct fs *fs, const char *path, const struct snapshot *snapshot,
                             struct err *err) {
    struct buf text = BUF_INIT, temporary = BUF_INIT;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    buf_printf(&temporary, "%.*s.%s.%d.tmp", (int)(name - path), path, name, (int)getpid());
    openmetrics_write(snapshot, &text);
    enum status status = write_file(fs, buf_text(&temporary), path, buf_str(&text), err);
    const int failed =
        status == STATUS_OK ? fs->rename(fs->self, AT_FDCWD, buf_text(&temporary), AT_FDCWD, path) : 0;
    if (failed < 0)
        status = err_os(err, -failed, "cannot write %s", path);
    if (status != STATUS_OK)
        fs->unlink(fs->self, AT_FDCWD, buf_text(&temporary));
    buf_release(&text);
    buf_release(&temporary);
    return status;
}
