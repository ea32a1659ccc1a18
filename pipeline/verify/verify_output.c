// SPDX-License-Identifier: MIT
#include "pipeline/verify/verify_output.h"

#include "cache/lengths.h"

// A stream on its way through its items.
enum phase { PHASE_TEXT, PHASE_LINE_END, PHASE_SEPARATOR, PHASE_END };

struct check {
    struct lengths_reader *lengths;
    const struct lengths_stream *about;
    struct lengths_item item;
    enum phase phase;
    uint64_t left; // of the item's text, or of the separator
    struct readback_string string;
    struct buf text;              // that was unquoted and is not in the digest yet
    struct digest_stream *digest; // of a text that comes in pieces; NULL: nothing of it has come
    struct digest sum;
    uint64_t items;
    bool differs;   // it is not what the items say
    struct err err; // what is kept of the items cannot be used
};

static enum verify_state not_there(enum readback_found found, struct verified *out) {
    if (found == READBACK_MISSING)
        return VERIFY_MISSING;
    if (found == READBACK_FAILED)
        return VERIFY_UNKNOWN;
    err_set(&out->why, STATUS_DATA, "it is no file");
    return VERIFY_EDITED;
}

// Files -----------------------------------------------------------------------------------------------------

static enum status digest_file(struct readback *r, const struct journal_entry *entry, struct digest *digest,
                               struct err *err) {
    struct str job = entry->recipe->job, piece;
    enum status status = readback_next(r, &piece, err);
    if (status != STATUS_OK)
        return status;
    if (!str_ends(entry->path, STR(".zst")) && (off_t)piece.n == readback_stat(r)->st_size) {
        *digest = digest_output(job, entry->path, piece); // most are small, and all there
        return STATUS_OK;
    }
    struct digest_stream *stream = digest_stream_new();
    for (; status == STATUS_OK && piece.n > 0; status = readback_next(r, &piece, err))
        digest_stream_add(stream, piece);
    *digest = digest_stream_output(stream, job, entry->path);
    digest_stream_free(stream);
    return status;
}

void verify_file(struct readback *r, const struct journal_entry *entry, struct verified *out) {
    *out = (struct verified){.state = VERIFY_UNKNOWN};
    if (!entry->recipe) {
        err_set(&out->why, STATUS_DATA, "what is kept of it is damaged");
        return;
    }
    enum readback_found found = readback_open(r, entry->path, &out->why);
    enum status status = STATUS_DATA;
    if (found == READBACK_OPEN) {
        status = digest_file(r, entry, &out->digest, &out->why);
        bool same = status == STATUS_OK && digest_equal(out->digest, entry->output);
        bool read = status == STATUS_OK || status == STATUS_DATA;
        out->state = same ? VERIFY_VERIFIED : read ? VERIFY_EDITED : VERIFY_UNKNOWN;
    } else {
        out->state = not_there(found, out);
    }
    if (status != STATUS_OK)
        out->digest = (struct digest){0, 0};
    if (out->state != VERIFY_UNKNOWN)
        out->expected = entry->output;
}

// Streams ---------------------------------------------------------------------------------------------------

static bool is_line(const struct check *c) {
    return c->about->spelling != LENGTHS_TEXTS;
}

static void next_item(struct check *c) {
    bool end;
    if (lengths_next(c->lengths, &c->item, &end, &c->err) != STATUS_OK) {
        end = true;
        c->item = (struct lengths_item){.n = 0};
    }
    c->left = c->item.n - c->item.tail.n;
    c->string = (struct readback_string){.at = STRING_BEFORE};
    c->phase = end ? PHASE_END : PHASE_TEXT;
    if (!end && c->items > 0 && !is_line(c) && c->about->separator.n > 0)
        c->phase = PHASE_SEPARATOR;
}

static void end_item(struct check *c) {
    struct digest digest;
    if (!c->digest && c->item.tail.n == 0) {
        digest = digest_output(c->about->job, c->item.key, buf_str(&c->text));
    } else {
        if (!c->digest)
            c->digest = digest_stream_new();
        digest_stream_add(c->digest, buf_str(&c->text));
        digest_stream_add(c->digest, c->item.tail);
        digest = digest_stream_output(c->digest, c->about->job, c->item.key);
    }
    digest_stream_free(c->digest);
    c->digest = NULL;
    buf_clear(&c->text);
    c->sum = digest_add(c->sum, digest);
    c->items++;
    next_item(c);
}

static void take_text(struct check *c, struct str *bytes) {
    if (c->about->spelling == LENGTHS_STRINGS) {
        c->differs = !readback_unquote(&c->string, bytes, &c->text);
        if (c->string.at == STRING_BEHIND)
            c->phase = PHASE_LINE_END;
        return;
    }
    struct str text = {bytes->p, c->left < bytes->n ? (size_t)c->left : bytes->n};
    *bytes = str_from(*bytes, text.n);
    c->left -= text.n;
    buf_add_str(&c->text, text);
}

static void take_separator(struct check *c, struct str *bytes, size_t *at) {
    struct str separator = str_from(c->about->separator, *at);
    size_t n = separator.n < bytes->n ? separator.n : bytes->n;
    c->differs = memcmp(separator.p, bytes->p, n) != 0;
    *bytes = str_from(*bytes, n);
    *at += n;
    if (*at == c->about->separator.n) {
        c->phase = PHASE_TEXT;
        *at = 0;
    }
}

// Texts that are all there need no more bytes, empty ones from the beginning.
static void settle(struct check *c) {
    while (c->phase == PHASE_TEXT && c->left == 0 && c->about->spelling != LENGTHS_STRINGS) {
        if (is_line(c))
            c->phase = PHASE_LINE_END;
        else
            end_item(c);
    }
}

static void take_piece(struct check *c, struct str bytes, size_t *separator_at) {
    settle(c);
    while (bytes.n > 0 && !c->differs && c->err.status == STATUS_OK) {
        switch (c->phase) {
        case PHASE_TEXT:
            take_text(c, &bytes);
            break;
        case PHASE_LINE_END:
            c->differs = bytes.p[0] != '\n';
            bytes = str_from(bytes, 1);
            end_item(c);
            break;
        case PHASE_SEPARATOR:
            take_separator(c, &bytes, separator_at);
            break;
        case PHASE_END:
            c->differs = true;
            break;
        }
        settle(c);
    }
    if (c->text.n == 0)
        return;
    if (!c->digest)
        c->digest = digest_stream_new();
    digest_stream_add(c->digest, buf_str(&c->text));
    buf_clear(&c->text);
}

static enum status read_items(struct check *c, struct readback *r, struct err *err) {
    size_t separator_at = 0;
    struct str piece;
    enum status status;
    next_item(c);
    while ((status = readback_next(r, &piece, err)) == STATUS_OK && piece.n > 0 && !c->differs &&
           c->err.status == STATUS_OK)
        take_piece(c, piece, &separator_at);
    if (status == STATUS_OK && !c->differs && c->err.status == STATUS_OK)
        settle(c);
    if (status == STATUS_OK && c->err.status == STATUS_OK && c->phase != PHASE_END)
        c->differs = true;
    return status;
}

static void compare_stream(struct check *c, struct readback *r, struct verified *out) {
    enum status status = read_items(c, r, &out->why);
    bool read = status == STATUS_OK || status == STATUS_DATA;
    out->digest = c->sum;
    out->items = c->items;
    if (c->err.status != STATUS_OK || !read) {
        out->state = VERIFY_UNKNOWN;
        if (c->err.status != STATUS_OK)
            out->why = c->err;
    } else if (status == STATUS_OK && !c->differs && digest_equal(c->sum, c->about->digest)) {
        out->state = VERIFY_VERIFIED;
    } else {
        out->state = VERIFY_EDITED;
        if (status == STATUS_OK && digest_equal(c->sum, c->about->digest))
            err_set(&out->why, STATUS_DATA, "its texts are the same, what is between or behind them is not");
    }
}

// What is to be in it; false: that is not known.
static bool open_lengths(struct check *c, const struct fs *fs, int root, struct str job, struct str path,
                         struct err *why) {
    if (lengths_open(fs, root, path, &c->lengths, why) != STATUS_OK)
        return false;
    if (!c->lengths) {
        err_set(why, STATUS_DATA, "nothing is kept of its items");
        return false;
    }
    c->about = lengths_about(c->lengths);
    if (!str_equal(c->about->job, job)) {
        err_set(why, STATUS_DATA, "what is kept of its items is of another job");
        return false;
    }
    return true;
}

void verify_stream(struct readback *r, const struct fs *fs, int root, struct str job, struct str path,
                   struct verified *out) {
    struct check c = {.err = {.status = STATUS_OK}};
    *out = (struct verified){.state = VERIFY_UNKNOWN};
    enum readback_found found = readback_open(r, path, &out->why);
    bool known = open_lengths(&c, fs, root, job, path, &out->why);
    if (known && found != READBACK_OPEN) {
        out->state = not_there(found, out);
    } else if (known) {
        compare_stream(&c, r, out);
    }
    if (known)
        out->expected = c.about->digest;
    if (out->state == VERIFY_UNKNOWN)
        out->digest = out->expected = (struct digest){0, 0};
    lengths_close(c.lengths);
    digest_stream_free(c.digest);
    buf_release(&c.text);
}
