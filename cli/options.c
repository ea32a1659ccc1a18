// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <assert.h>
#include <stdio.h>

#include "base/number.h"
#include "base/suggest.h"

static size_t find(const struct option_spec *specs, struct str name, char letter) {
    size_t i = 0;
    while (specs[i].name && !(name.p ? str_is(name, specs[i].name) : specs[i].letter == letter))
        i++;
    return i;
}

static enum status unknown(const struct option_spec *specs, struct str name, struct err *err) {
    struct suggestion suggestion = suggest_for(name);
    for (size_t i = 0; specs[i].name; i++)
        suggest_offer(&suggestion, str_of(specs[i].name));
    if (suggestion.best.p)
        return err_set(err, STATUS_DATA, "unknown option --%.*s, did you mean --%.*s?", STR_ARG(name),
                       STR_ARG(suggestion.best));
    return err_set(err, STATUS_DATA, "unknown option --%.*s", STR_ARG(name));
}

static enum status keep(struct options *options, size_t i, const char *value, struct err *err) {
    if (options->counts[i] == OPTION_REPEATS)
        return err_set(err, STATUS_DATA, "--%s is given more than %d times", options->specs[i].name,
                       OPTION_REPEATS);
    options->values[i][options->counts[i]++] = value;
    return STATUS_OK;
}

// --name, --name=value, --name value. `next` is the word after, or NULL; *used tells whether it was taken.
static enum status parse_long(struct options *options, const char *word, const char *next, bool *used,
                              struct err *err) {
    const char *equals = strchr(word, '=');
    struct str name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    size_t i = find(options->specs, name, 0);
    const struct option_spec *spec = &options->specs[i];
    if (!spec->name)
        return unknown(options->specs, name, err);
    if (!spec->argument && equals)
        return err_set(err, STATUS_DATA, "--%s takes no value", spec->name);
    if (!spec->argument || (!equals && spec->argument[0] == '['))
        return keep(options, i, "", err);
    if (!equals && !next)
        return err_set(err, STATUS_DATA, "--%s needs a value: --%s %s", spec->name, spec->name,
                       spec->argument);
    *used = !equals;
    return keep(options, i, equals ? equals + 1 : next, err);
}

static enum status parse_short(struct options *options, const char *word, const char *next, bool *used,
                               struct err *err) {
    for (; *word; word++) {
        size_t i = find(options->specs, (struct str){NULL, 0}, *word);
        const struct option_spec *spec = &options->specs[i];
        if (!spec->name)
            return err_set(err, STATUS_DATA, "unknown option -%c", *word);
        if (!spec->argument) {
            if (keep(options, i, "", err) != STATUS_OK)
                return err->status;
            continue;
        }
        *used = !word[1];
        if (*used && !next)
            return err_set(err, STATUS_DATA, "-%c needs a value: -%c %s", *word, *word, spec->argument);
        return keep(options, i, word[1] ? word + 1 : next, err);
    }
    return STATUS_OK;
}

enum status options_parse(struct options *options, const struct option_spec *specs, int argc,
                          char *const *argv, struct err *err) {
    *options = (struct options){.specs = specs, .words = argv, .words_n = argc > 0 ? (size_t)argc : 0};
    assert(find(specs, STR(""), 0) <= OPTIONS_MAX);
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool used = false;
        enum status status = STATUS_OK;
        if (only_arguments || word[0] != '-' || !word[1]) {
            if (options->arguments_n == ARGUMENTS_MAX)
                return err_set(err, STATUS_DATA, "more than %d arguments", ARGUMENTS_MAX);
            options->arguments[options->arguments_n++] = word;
        } else if (word[1] != '-') {
            status = parse_short(options, word + 1, next, &used, err);
        } else if (word[2]) {
            status = parse_long(options, word + 2, next, &used, err);
        } else {
            only_arguments = true;
        }
        if (status != STATUS_OK)
            return status;
        i += used;
    }
    return STATUS_OK;
}

size_t options_all(const struct options *options, const char *name, const char *const **values) {
    size_t i = find(options->specs, str_of(name), 0);
    assert(options->specs[i].name);
    *values = options->values[i];
    return options->counts[i];
}

bool options_has(const struct options *options, const char *name) {
    const char *const *values;
    return options_all(options, name, &values) > 0;
}

const char *options_get(const struct options *options, const char *name) {
    const char *const *values;
    size_t n = options_all(options, name, &values);
    return n ? values[n - 1] : NULL;
}

enum status options_number(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *out,
                           struct err *err) {
    int64_t value;
    if (!number_parse_int(str_of(text), &value) || value < min || value > max)
        return err_set(err, STATUS_DATA, "%s must be a whole number from %u to %u, not \"%s\"", name, min,
                       max, text);
    *out = (uint32_t)value;
    return STATUS_OK;
}

void options_write_help(const struct option_spec *specs, struct buf *out) {
    for (const struct option_spec *spec = specs; spec->name; spec++) {
        char left[64], letter[8] = "    ";
        if (spec->letter)
            snprintf(letter, sizeof letter, "-%c, ", spec->letter);
        bool optional = spec->argument && spec->argument[0] == '[';
        if (optional) // [N] is shown as [=N]
            snprintf(left, sizeof left, "%s--%s[=%s", letter, spec->name, spec->argument + 1);
        else
            snprintf(left, sizeof left, "%s--%s%s%s", letter, spec->name, spec->argument ? " " : "",
                     spec->argument ? spec->argument : "");
        buf_printf(out, "  %-30s %s\n", left, spec->doc);
    }
}
