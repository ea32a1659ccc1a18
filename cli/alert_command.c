// SPDX-License-Identifier: MIT
#include "cli/alert_command.h"

#define SECOND UINT64_C(1000000000)

enum { OUTPUT_MOST = 1 << 20 };

// The kernel ends a process with the thread that started it, so this one stays until it has ended.
static void *serve(void *self) {
    struct alert_command *c = self;
    struct through *through = through_new(&(struct through_options){.processes = 1, .clock = c->clock});
    struct through_task *done;
    through_add(through, &c->task);
    while (through_serve(through, true, &done))
        ;
    through_free(through);
    return NULL;
}

void alert_command_start(struct alert_command *c, const char *program, const char *const *argv,
                         const char *directory, struct clock clock, struct buf input) {
    *c = (struct alert_command){.command = {.program = program,
                                            .argv = argv,
                                            .directory = directory,
                                            .time_ns = ALERT_COMMAND_SECONDS * SECOND,
                                            .output_bytes = OUTPUT_MOST},
                                .clock = clock};
    c->task = (struct through_task){.command = &c->command, .text = input};
    const int os = pthread_create(&c->thread, NULL, serve, c);
    c->started = os == 0; // from here on the task is the thread's, where there is one
    if (c->started)
        return;
    c->task.end = THROUGH_UNSTARTED;
    c->task.status = os;
}

bool alert_command_end(struct alert_command *c, struct buf *fault) {
    if (c->started)
        pthread_join(c->thread, NULL);
    const bool well = c->task.end == THROUGH_DONE;
    if (!well) {
        buf_printf(fault, "%s ", c->command.argv[0]);
        through_write_end(&c->task, fault);
        const struct str words = through_last_words(&c->task);
        buf_printf(fault, "%s%.*s", words.n ? ": " : "", STR_ARG(words));
    }
    buf_release(&c->task.text);
    buf_release(&c->task.output);
    buf_release(&c->task.complaint);
    *c = (struct alert_command){.started = false};
    return well;
}
