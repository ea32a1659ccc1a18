// SPDX-License-Identifier: MIT
// Jobs in the order in which their templates were used, as sessions tell it: one run after the other, so that whoever ends
// it early has the most used.
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cache_made.h"
#include "cli/cache_warm.h"
#include "cli/show.h"
#include "monitor/history.h"

enum { SESSIONS = 100 }; // the newest, of the manifest's name

struct used_job {
    size_t index; // in the manifest
    uint64_t n;   // uses of the templates that it leads to
    struct str name, template_name;
};

struct ranking {
    const struct templates *templates;
    const struct uses *uses; // of the templates that count
    bool *reached;           // by any job
    struct used_job *job;
};

static void add_uses(void *context, struct str name, const struct program *program) {
    struct ranking *ranking = context;
    name = templates_id(ranking->templates, name.p ? name : ranking->job->template_name, program);
    for (size_t i = 0; i < ranking->uses->n; i++)
        if (str_equal(ranking->uses->list[i].name, name)) {
            ranking->job->n += ranking->uses->list[i].n;
            ranking->reached[i] = true;
        }
}

static void find_choosing(void *context, struct str name, const struct program *program) {
    (void)name;
    *(bool *)context |= program_chooses(program);
}

static int by_uses(const void *a, const void *b) {
    const struct used_job *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return x->index < y->index ? -1 : x->index > y->index;
}

// Templates that no job leads to were chosen at run time: they count for those jobs that choose.
static void count_chosen(const struct plan *plan, const struct ranking *ranking, struct used_job *jobs) {
    uint64_t chosen = 0;
    for (size_t i = 0; i < ranking->uses->n; i++)
        chosen += ranking->reached[i] ? 0 : ranking->uses->list[i].n;
    for (size_t j = 0; j < plan->manifest->jobs_n; j++) {
        bool chooses = false;
        program_reach(plan->jobs[j].body, find_choosing, &chooses);
        jobs[j].n += chooses ? chosen : 0;
    }
}

// Those that lead to a template that counts, in an owned array.
static size_t rank_jobs(const struct plan *plan, const struct uses *uses, struct used_job **out) {
    const size_t jobs_n = plan->manifest->jobs_n;
    struct used_job *jobs = MEM_NEW_ARRAY(struct used_job, jobs_n + 1);
    struct ranking ranking = {
        .templates = plan->templates, .uses = uses, .reached = MEM_NEW_ARRAY(bool, uses->n + 1)};
    for (size_t j = 0; j < jobs_n; j++) {
        jobs[j] = (struct used_job){
            .index = j, .name = plan->jobs[j].job->name, .template_name = plan->jobs[j].job->template_name};
        ranking.job = &jobs[j];
        program_reach(plan->jobs[j].body, add_uses, &ranking);
    }
    count_chosen(plan, &ranking, jobs);
    qsort(jobs, jobs_n, sizeof *jobs, by_uses);
    size_t n = 0;
    while (n < jobs_n && jobs[n].n)
        n++;
    mem_free(ranking.reached);
    *out = jobs;
    return n;
}

static enum status read_uses(const struct cache_warming *warming, const char *directory, uint32_t most,
                             struct uses *uses, struct err *err) {
    struct history *history;
    struct cli *cli = warming->cli;
    const struct history_filter filter = {STR("name"), STR("="), warming->manifest->name};
    enum status status = history_open(&cli->fs, directory, HISTORY_KEEP_ALL, &history, err);
    if (status != STATUS_OK)
        return status;
    if (err->status != STATUS_OK && !cli->quiet)
        cli_note("%s", err->text);
    status = history_uses(history, &filter, 1, SESSIONS, &cli->arena, uses, err);
    history_close(history);
    uses_rank(uses, most);
    return status;
}

static void say_job(const struct cache_warming *warming, const struct used_job *job, bool first,
                    const struct cache_warmed *warmed) {
    struct buf text = BUF_INIT;
    if (warming->json) {
        buf_add_text(&text, first ? "\n  {\"job\": " : ",\n  {\"job\": ");
        buf_add_json(&text, job->name);
        buf_add_text(&text, ", \"template\": ");
        buf_add_json(&text, job->template_name);
        buf_printf(&text, ", \"uses\": %llu, ", (unsigned long long)job->n);
        cache_warmed_json(warmed, &text);
        buf_add_char(&text, '}');
    } else if (!warming->cli->quiet) {
        buf_printf(&text, "%.*s (template %.*s, used ", STR_ARG(job->name), STR_ARG(job->template_name));
        show_count(&text, job->n);
        buf_printf(&text, " time%s): ", job->n == 1 ? "" : "s");
        cache_warmed_text(warmed, &text);
        buf_add_char(&text, '\n');
    }
    cli_print(buf_str(&text));
    buf_release(&text);
}

// By a manifest that is read anew, for selecting a job drops the others.
static int warm_one(const struct cache_warming *warming, const struct used_job *job,
                    struct cache_warmed *warmed) {
    struct cli *cli = warming->cli;
    struct cache_warming one = *warming;
    struct err err;
    one.manifest = manifest_read(&cli->fs, warming->manifest->text.name.p, &cli->diags);
    one.manifest->globals = warming->manifest->globals; // as --define has them
    int code = EXIT_USAGE;
    if (!one.manifest->sound)
        cli_write_diags(cli);
    else if (!manifest_select(one.manifest, &job->name, 1, &err))
        cli_fail("%s", err.text);
    else
        code = cache_warm_make(&one, warmed);
    manifest_free(one.manifest);
    return code;
}

static int warm_all(const struct cache_warming *warming, const struct used_job *jobs, size_t n) {
    int worst = EXIT_DONE;
    bool first = true;
    if (warming->json)
        cli_print(STR("{\"jobs\": ["));
    for (size_t i = 0; i < n && worst != EXIT_INTERRUPTED && worst != EXIT_USAGE; i++) {
        struct cache_warmed warmed = {0};
        if (str_is(warming->manifest->jobs[jobs[i].index].to, "-")) // which cannot be made without printing
            continue;
        const int code = warm_one(warming, &jobs[i], &warmed);
        worst = code != EXIT_DONE ? code : worst;
        if (code != EXIT_USAGE)
            say_job(warming, &jobs[i], first, &warmed);
        first = false;
    }
    if (warming->json)
        cli_print(STR("]}\n"));
    return worst;
}

int cache_warm_templates(const struct cache_warming *warming, const char *history, uint32_t most) {
    struct uses uses = {0};
    struct cache_made made;
    struct used_job *jobs = NULL;
    struct err err;
    if (strcmp(history, "none") == 0)
        return cli_fail("without a history it is not known which templates are used");
    if (read_uses(warming, history, most, &uses, &err) != STATUS_OK) {
        uses_release(&uses);
        return cli_fail("%s", err.text);
    }
    int code = EXIT_USAGE;
    if (cache_made_init(&made, warming->cli, warming->manifest)) {
        const size_t n = rank_jobs(made.plan, &uses, &jobs);
        if (!n && !warming->cli->quiet)
            cli_note("as far as the history tells no template of these jobs was used");
        code = warm_all(warming, jobs, n);
    }
    cache_made_release(&made);
    mem_free(jobs);
    uses_release(&uses);
    return code;
}
