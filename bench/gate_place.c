// SPDX-License-Identifier: MIT
#include "bench/gate_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

static const char placeholder[] = "{pressrun}";

static char *printed(const char *first, const char *second) {
    size_t size = strlen(first) + strlen(second) + 2;
    char *text = mem_alloc(size);
    snprintf(text, size, "%s/%s", first, second);
    return text;
}

static enum status make_records(struct gate_place *place, const struct gate_place_options *options,
                                struct err *err) {
    const struct gate_benchmark *b = place->benchmark;
    place->made = printed(options->scratch, "scenario");
    place->manifest = printed(place->made, "pressrun.yaml");
    int failed = fs_make_dirs(options->fs, AT_FDCWD, place->made, 0777);
    if (failed < 0)
        return err_os(err, -failed, "cannot make %s", place->made);
    return scenario_make(b->scenario, options->fs, place->made, scenario_units(b->scenario, b->scale),
                         options->seed, options->interrupt, err);
}

static void find_manifest(struct gate_place *place) {
    struct stat st;
    const char *path = place->benchmark->manifest;
    bool directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    place->manifest = directory ? printed(path, "pressrun.yaml") : mem_copy(path, strlen(path));
}

// The command with the program's path in it; owned. NULL: it has no place for one.
static char *fill_command(const char *command, const char *program) {
    struct buf text = BUF_INIT;
    bool found = false;
    for (const char *at = command; *at;) {
        const char *next = strstr(at, placeholder);
        buf_add(&text, at, next ? (size_t)(next - at) : strlen(at));
        if (!next)
            break;
        buf_printf(&text, "'%s'", program);
        at = next + strlen(placeholder);
        found = true;
    }
    char *filled = found ? mem_copy(buf_text(&text), text.n) : NULL;
    buf_release(&text);
    return filled;
}

// A command for one side: its own, or the common one with that side's program.
static enum status init_command(struct gate_place *place, int which, const char *text,
                                const struct target_context *context, struct err *err) {
    const struct gate_benchmark *b = place->benchmark;
    const char *own = which == 0 && b->baseline ? b->baseline : b->of;
    char *filled = text && strchr(text, '/') ? fill_command(own, text) : NULL; // a strategy is no program
    enum status status = STATUS_OK;
    if (!filled && strstr(own, placeholder))
        status = err_set(err, STATUS_DATA, "nothing is given to stand for %s", placeholder);
    else if (!filled && !b->baseline)
        status = err_set(err, STATUS_DATA, "the command has no %s and no baseline, so A and B are the same",
                         placeholder);
    else
        status = target_init(&place->targets[which], filled ? filled : own, context, which, err);
    place->has[which] = status == STATUS_OK;
    mem_free(filled);
    return status;
}

static enum status init_side(struct gate_place *place, int which, const char *text,
                             const struct gate_place_options *options, struct err *err) {
    struct target *target = &place->targets[which];
    const struct target_context context = {options->self, options->scratch, place->manifest,
                                           options->strategy};
    if (place->benchmark->kind == GATE_COMMAND)
        return init_command(place, which, text, &context, err);
    if (target_init(target, text, &context, which, err) != STATUS_OK)
        return err->status;
    place->has[which] = true;
    if (target->kind != TARGET_EXECUTABLE && target->kind != TARGET_STRATEGY)
        return err_set(err, STATUS_DATA, "%s is neither an executable of pressrun nor a strategy", text);
    target->keeps = place->benchmark->warm;
    return STATUS_OK;
}

enum status gate_place_init(struct gate_place *place, const struct gate_benchmark *b,
                            const char *const texts[2], const struct gate_place_options *options,
                            struct err *err) {
    *place = (struct gate_place){.benchmark = b};
    if (b->manifest)
        find_manifest(place);
    if (b->scenario && make_records(place, options, err) != STATUS_OK)
        return err->status;
    for (int which = 0; which < 2; which++) {
        bool wanted = texts[which] || (b->kind == GATE_COMMAND && b->baseline);
        if (wanted && init_side(place, which, texts[which], options, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

void gate_place_release(struct gate_place *place) {
    for (int which = 0; which < 2; which++) {
        if (place->has[which] && place->targets[which].keeps)
            target_remove(place->targets[which].output);
        if (place->has[which])
            target_release(&place->targets[which]);
    }
    if (place->made)
        target_remove(place->made);
    mem_free(place->made);
    mem_free(place->manifest);
    *place = (struct gate_place){0};
}

enum status gate_place_run(struct gate_place *place, int which, const atomic_bool *interrupt,
                           struct target_report *report, struct process_sample *sample, struct err *err) {
    const struct target *target = &place->targets[which];
    struct buf output = BUF_INIT, errors = BUF_INIT;
    struct process_command command = target_command(target);
    enum status status = STATUS_OK;
    command.seconds = place->benchmark->seconds;
    command.interrupt = interrupt;
    for (int i = 0; i < (place->benchmark->warm ? 2 : 1) && status == STATUS_OK; i++) {
        status = process_run(&command, sample, &output, &errors, err);
        if (status == STATUS_OK && sample->interrupted)
            status = err_set(err, STATUS_CANCELLED, "interrupted");
        if (status == STATUS_OK)
            status = target_take(target, sample, buf_str(&output), buf_str(&errors), report, err);
    }
    buf_release(&output);
    buf_release(&errors);
    return status;
}
