// SPDX-License-Identifier: MIT
#include "pipeline/plan/limits.h"

#include "base/number.h"
#include "base/suggest.h"
#include "pipeline/manifest/manifest_table.h"

static const struct manifest_key *limits_key(void) {
    return manifest_key_child(&manifest_keys[0], STR("limits"));
}

static bool unknown(struct str name, struct err *err) {
    struct suggestion near = suggest_for(name);
    struct buf names = BUF_INIT;
    for (const struct manifest_key *key = NULL; (key = manifest_key_next(limits_key(), key));) {
        suggest_offer(&near, str_of(manifest_key_name(key)));
        buf_printf(&names, "%s%s", names.n ? ", " : "", manifest_key_name(key));
    }
    if (near.best.p)
        err_set(err, STATUS_DATA, "there is no limit \"%.*s\", did you mean \"%.*s\"?", STR_ARG(name),
                STR_ARG(near.best));
    else
        err_set(err, STATUS_DATA, "there is no limit \"%.*s\"; there are %s", STR_ARG(name),
                buf_text(&names));
    buf_release(&names);
    return false;
}

static bool parse(const struct manifest_key *key, struct str text, uint64_t *value) {
    int64_t number;
    if (number_parse_int(text, &number)) {
        *value = (uint64_t)number;
        return number >= key->min && number <= key->max;
    }
    return (key->forms & FORM_SIZE) && manifest_parse_size(text, value) && *value <= (uint64_t)key->max;
}

static void put(struct manifest_limits *limits, struct str name, uint64_t value) {
    if (str_is(name, "include_depth"))
        limits->include_depth = (uint32_t)value;
    else if (str_is(name, "steps"))
        limits->steps = value;
    else if (str_is(name, "output_bytes"))
        limits->output_bytes = value;
    else if (str_is(name, "record_bytes"))
        limits->record_bytes = value;
    else if (str_is(name, "memory_bytes"))
        limits->memory_bytes = value;
    else if (str_is(name, "join_bytes"))
        limits->join_bytes = value;
    else if (str_is(name, "seconds"))
        limits->seconds = value;
    else if (str_is(name, "processes"))
        limits->processes = value;
}

bool limits_set(struct manifest_limits *limits, const char *word, struct err *err) {
    const char *equals = strchr(word, '=');
    if (!equals) {
        err_set(err, STATUS_DATA, "a limit is set by NAME=VALUE, not by \"%s\"", word);
        return false;
    }
    struct str name = {word, (size_t)(equals - word)}, text = str_of(equals + 1);
    const struct manifest_key *key = manifest_key_child(limits_key(), name);
    if (!key)
        return unknown(name, err);
    uint64_t value;
    if (parse(key, text, &value)) {
        put(limits, name, value);
        return true;
    }
    struct buf what = BUF_INIT;
    manifest_key_write_what(key, &what);
    err_set(err, STATUS_DATA, "%.*s is %s, not \"%.*s\"", STR_ARG(name), buf_text(&what), STR_ARG(text));
    buf_release(&what);
    return false;
}

struct vm_limits limits_of_machine(const struct manifest_limits *limits) {
    return (struct vm_limits){.include_depth = limits->include_depth,
                              .steps = limits->steps,
                              .output_bytes = limits->output_bytes,
                              .memory_bytes = limits->memory_bytes,
                              .time_ns = limits->seconds * UINT64_C(1000000000)};
}
