// SPDX-License-Identifier: MIT
/*
 * Outputs that go through a filter outside. Rendering fills passages until a bite is full; the bite's texts are handed
 * to the processes (stages/render/through.h), and the worker is free for other lots. One task at a time serves all
 * processes of the run: round by round, behind whatever else is to be done; when nothing else is, it rests in poll
 * until a process or another worker wants something. The task that gets a bite's last text back hands the lot to the
 * pool again, which puts the texts into the sink in the order of the entries, and renders the next bite.
 *
 * A bite bounds the memory: so much text per lot waits for the filter, however large the lot is.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "pipeline/run/run_watch.h"

enum { BITE_BYTES = 1 << 20, BITE_PASSAGES = 256, BITE_ROUNDS = 4 };

// Trying again ----------------------------------------------------------------------------------------------

static struct passage *passage_of(struct through_task *task) {
    return (struct passage *)(void *)((char *)task - offsetof(struct passage, task));
}

static void say_end(const struct passage *passage, const char *name, struct buf *out) {
    buf_printf(out, "the filter %s ", name);
    through_write_end(&passage->task, out);
}

// So many are told, so that a filter that always fails does not fill the terminal; all are counted.
static void tell_again(void *self, const struct through_task *task) {
    enum { TOLD = 10 };
    struct run *run = self;
    const struct passage *passage = passage_of((struct through_task *)(uintptr_t)task);
    const struct manifest_job *job = passage->lot->job->job->job;
    char ordinal[RUN_ORDINAL_SIZE];
    if (run->told_again++ >= TOLD)
        return;
    const struct str key = run_entry_key(&passage->lot->entries[passage->entry], ordinal);
    struct buf text = BUF_INIT;
    buf_printf(&text, "job %.*s, key %.*s: tries again (%u of %u) after %llu ms: ", STR_ARG(job->name),
               STR_ARG(key), task->tried, task->command->retries,
               (unsigned long long)(task->wait_ns / 1000000));
    say_end(passage, job->through.argv[0], &text);
    if (run->told_again == TOLD)
        buf_add_text(&text, "; what is tried again from here on is only counted");
    run_note(run, buf_text(&text));
    buf_release(&text);
}

// The beginning ---------------------------------------------------------------------------------------------

void run_through_init(struct run *run) {
    const struct manifest *manifest = run->plan->manifest;
    bool wanted = false;
    for (size_t j = 0; j < manifest->jobs_n; j++)
        wanted |= run->jobs[j].job->filter.argv != NULL;
    run->through_processes =
        manifest->limits.processes ? (uint32_t)manifest->limits.processes : run->options->workers;
    if (wanted)
        run->through = through_new(&(struct through_options){.processes = run->through_processes,
                                                             .clock = run->options->clock,
                                                             .again = tell_again,
                                                             .self = run,
                                                             .interrupt = run->options->interrupt});
}

static void ring(void *self) {
    through_ring(self);
}

void run_through_bell(struct run *run) {
    if (run->through)
        graph_set_bell(run->graph, ring, run->through);
}

// Rendering -------------------------------------------------------------------------------------------------

// Enough for all processes, however large the texts are, and for some time, where they are small.
bool run_through_is_full(const struct lot *lot) {
    const size_t processes = lot->job->run->through_processes;
    return lot->passages_n >= processes &&
           (lot->passages_bytes >= BITE_BYTES ||
            (lot->passages_n >= BITE_PASSAGES && lot->passages_n >= BITE_ROUNDS * processes));
}

void run_through_render(struct lot *lot, struct entry *entry, struct vm *vm) {
    const struct diag *fault = NULL;
    struct buf text = BUF_INIT;
    const bool rendered = run_output_whole(entry, vm, lot->job->job->body, &text, &fault);
    if (!rendered)
        run_fail_from_vm(lot, entry, vm, lot->job->job->body, fault);
    MEM_GROW(lot->passages, lot->passages_cap, lot->passages_n + 1);
    lot->passages[lot->passages_n++] = (struct passage){
        .task = {.command = &lot->job->job->filter, .cancel = &lot->job->stopped, .text = text},
        .lot = lot,
        .unfiltered = !rendered,
        .entry = (size_t)(entry - lot->entries)};
    lot->passages_bytes += text.n + atomic_load_explicit(&lot->job->filtered, memory_order_relaxed);
}

// Filtering -------------------------------------------------------------------------------------------------

static void take_back(struct run *run, struct worker *worker, struct through_task *done) {
    for (struct through_task *next; done; done = next) {
        struct passage *passage = passage_of(done);
        next = done->next;
        run_filtered(run, worker, passage);
        if (--passage->lot->passages_open == 0) // from here on it is another's
            graph_spawn(worker, passage->back, passage->lot);
    }
}

// A task for every round would keep all workers awake, on processors that the filters need. So it is one as long as
// there is nothing else to do.
static void serve(void *self, struct worker *worker) {
    struct run *run = self;
    for (bool rest = true, more = true; more;) {
        struct through_task *done = NULL;
        rest = graph_rest(worker);
        more = through_serve(run->through, rest, &done);
        if (rest)
            graph_rested(worker);
        take_back(run, worker, done);
        if (more && !rest) {
            graph_yield(worker, serve, run);
            return;
        }
    }
}

// Whether a process is to be started for a passage; there is none for one whose rendering failed.
static bool wants_process(const struct passage *passage) {
    return !passage->unfiltered && !passage->like && (!passage->kept || passage->again);
}

static struct cache_key key_of(const struct passage *passage) {
    const struct plan_job *job = passage->lot->job->job;
    return (struct cache_key){CACHE_THROUGH, through_key(job->filter_identity, buf_str(&passage->task.text))};
}

// The cache cannot know of texts that are on their way at the same time.
static void find_alike(struct lot *lot) {
    for (size_t i = 1; i < lot->passages_n; i++) {
        struct passage *passage = &lot->passages[i];
        for (size_t before = 0; before < i && wants_process(passage); before++)
            if (wants_process(&lot->passages[before]) &&
                digest_equal(lot->passages[before].text, passage->text))
                passage->like = &lot->passages[before];
    }
}

// What the filter made of the same texts before takes the place of processes.
static void look_up(struct lot *lot) {
    struct run *run = lot->job->run;
    enum { MANY = 64 };
    struct cache_key keys[MANY];
    struct cache_value *values[MANY];
    if (!run_cache_has(run, CACHE_THROUGH))
        return;
    for (size_t from = 0, i = 0; from < lot->passages_n; from = i) {
        size_t at[MANY];
        unsigned n = 0;
        for (i = from; i < lot->passages_n && n < MANY; i++) {
            if (lot->passages[i].unfiltered)
                continue;
            at[n] = i;
            keys[n++] = key_of(&lot->passages[i]);
        }
        run_cache_get_many(run, keys, n, values, &lot->hits.found);
        for (unsigned k = 0; k < n; k++) {
            struct passage *passage = &lot->passages[at[k]];
            if (values[k] &&
                values[k]->n > passage->task.command->output_bytes) { // the limit was another one
                cache_value_drop(values[k]);
                values[k] = NULL;
            }
            passage->kept = values[k];
            passage->text = keys[k].digest;
            passage->again = values[k] && run_cache_audits(run, keys[k]);
        }
    }
    find_alike(lot); // by what was set here
}

// A text that was made is kept, or compared with what was.
static void remember(const struct passage *passage, struct str made) {
    struct lot *lot = passage->lot;
    struct run *run = lot->job->run;
    const struct cache_value *kept = passage->kept;
    char ordinal[RUN_ORDINAL_SIZE];
    if (!run_cache_has(run, CACHE_THROUGH))
        return;
    if (kept)
        run_cache_compare(run, key_of(passage), (struct str){kept->bytes, kept->n}, made,
                          run_entry_key(&lot->entries[passage->entry], ordinal));
    else
        run_cache_put(run, key_of(passage), caches_tag(lot->job->job->job->template_name), made);
}

bool run_through_hand_over(struct lot *lot, void (*back)(void *lot, struct worker *worker),
                           struct worker *worker) {
    struct run *run = lot->job->run;
    struct through_task *first = NULL;
    if (lot->passages_n == 0)
        return false;
    look_up(lot);
    lot->passages_open = 0;
    for (size_t i = lot->passages_n; i-- > 0;) { // they stay where they are from here on
        struct passage *passage = &lot->passages[i];
        if (!wants_process(passage))
            continue;
        passage->back = back;
        passage->task.next = first;
        first = &passage->task;
        lot->passages_open++;
    }
    if (!first)
        graph_spawn(worker, back, lot);
    else if (through_add(run->through, first))
        graph_spawn(worker, serve, run);
    return true;
}

// What came of it -------------------------------------------------------------------------------------------

static const struct diag *fault_of(struct lot *lot, const struct passage *passage) {
    const struct plan_job *job = lot->job->job;
    const struct manifest *manifest = lot->job->run->plan->manifest;
    struct buf text = BUF_INIT;
    struct diags list;
    diags_init(&list, &lot->arena);
    say_end(passage, job->job->through.argv[0], &text);
    struct diag *diag = diags_error(&list, &manifest->text, job->job->through.span, "%s", buf_text(&text));
    struct str words = through_last_words(&passage->task);
    for (size_t at = 0, n; at < words.n; at += n + 1) { // a hint's lines come one by one
        const char *end = memchr(words.p + at, '\n', words.n - at);
        n = end ? (size_t)(end - words.p) - at : words.n - at;
        diag_hint(&list, diag, "%.*s", (int)n, words.p + at);
    }
    if (!words.n && passage->task.end == THROUGH_LATE)
        diag_hint(&list, diag, "through.seconds of the job is the limit");
    if (!words.n && passage->task.end == THROUGH_LARGE)
        diag_hint(&list, diag, "limits.output_bytes is the limit");
    buf_release(&text);
    return list.first;
}

// A text that its filter ended well with. Streams hold texts (JSON strings, rows, lines); a file of its own may hold
// any bytes.
static const struct diag *take_text(struct lot *lot, struct str text) {
    const struct plan_job *job = lot->job->job;
    size_t bad;
    if (text.n > atomic_load_explicit(&lot->job->filtered, memory_order_relaxed))
        atomic_store_explicit(&lot->job->filtered, text.n, memory_order_relaxed);
    if (job->sink->named || utf8_valid(text, &bad))
        return NULL;
    return diag_make(&lot->arena, &lot->job->run->plan->manifest->text, job->job->through.span,
                     "the output of the filter %s is not UTF-8 (byte %zu), as a stream has to be",
                     job->job->through.argv[0], bad + 1);
}

static void settle(struct lot *lot, const struct passage *passage) {
    struct entry *entry = &lot->entries[passage->entry];
    const struct passage *filtered = passage->like ? passage->like : passage;
    const struct cache_value *kept = passage->again ? NULL : passage->kept;
    struct str text = kept ? (struct str){kept->bytes, kept->n} : buf_str(&filtered->task.output);
    if (passage->task.began) {
        const uint64_t took = passage->task.ended - passage->task.began + passage->task.earlier_ns;
        lot->counters.filtered += 1 + passage->task.tried;
        lot->counters.filtering += took;
        lot->worked += took;
    }
    lot->counters.retried += passage->task.tried;
    if (passage->unfiltered) {
        run_output_failed(lot, entry, entry->fault);
        return;
    }
    if (!kept && filtered->task.end == THROUGH_CANCELLED) {
        // Neither made nor failed; a stream must not have what comes behind it.
        run_is_interrupted(lot->job->run);
        atomic_store(&lot->job->stopped, true);
        return;
    }
    const struct diag *fault =
        kept || filtered->task.end == THROUGH_DONE ? take_text(lot, text) : fault_of(lot, filtered);
    if (fault) {
        run_output_failed(lot, entry, fault);
        return;
    }
    if (!kept && !passage->like)
        remember(passage, text);
    lot->counters.rendered++;
    run_output_text(lot, entry, text);
}

static void release_passage(struct passage *passage) {
    buf_release(&passage->task.text);
    buf_release(&passage->task.output);
    buf_release(&passage->task.complaint);
    cache_value_drop(passage->kept);
}

void run_through_settle(struct lot *lot) {
    for (size_t i = 0; i < lot->passages_n; i++)
        settle(lot, &lot->passages[i]);
    for (size_t i = 0; i < lot->passages_n; i++)
        release_passage(&lot->passages[i]);
    lot->passages_n = 0;
    lot->passages_bytes = 0;
}

void run_through_free_passages(struct lot *lot) {
    for (size_t i = 0; i < lot->passages_n; i++)
        release_passage(&lot->passages[i]);
    mem_free(lot->passages);
}
