// SPDX-License-Identifier: MIT
#include "bench/loadgen_command.h"

#include <string.h>

enum status loadgen_command_init(struct loadgen_command *c, const char *text, double seconds,
                                 const atomic_bool *interrupt, struct err *err) {
    *c = (struct loadgen_command){.seconds = seconds, .interrupt = interrupt};
    return target_init_command(&c->target, text, err);
}

void loadgen_command_release(struct loadgen_command *c) {
    target_release(&c->target);
}

static bool run(void *self, uint32_t user, uint64_t choice, uint64_t *bytes, struct err *err) {
    const struct loadgen_command *c = self;
    struct process_command command = target_command(&c->target);
    struct process_sample sample;
    struct buf output = BUF_INIT, errors = BUF_INIT;
    (void)user;
    (void)choice;
    command.keeps_end = true;
    command.seconds = c->seconds;
    command.interrupt = c->interrupt;
    bool well = process_run(&command, &sample, &output, &errors, err) == STATUS_OK;
    *bytes = output.n;
    if (well && sample.timed_out)
        well = !err_set(err, STATUS_DATA, "had not ended after %g s and was killed", c->seconds);
    else if (well && sample.exit_code != 0)
        well = !err_set(err, STATUS_DATA, "ended with exit code %d%s%.*s", sample.exit_code,
                        errors.n ? "; it said: " : "", STR_ARG(target_last_lines(buf_str(&errors))));
    buf_release(&output);
    buf_release(&errors);
    return well;
}

struct loadgen_operation loadgen_command_operation(struct loadgen_command *c) {
    return (struct loadgen_operation){.name = c->target.shown, .weight = 1, .self = c, .run = run};
}
