// SPDX-License-Identifier: MIT
#include "cli/cache_made.h"

#include "pipeline/plan/define.h"
#include "pipeline/reasons/recipe.h"
#include "pipeline/run/run_past.h"
#include "stages/record/reader.h"

bool cache_made_define(struct cli *cli, struct manifest *manifest, const struct options *options) {
    const char *const *words;
    size_t n = options_all(options, "define", &words);
    if (n == 0)
        return true;
    const struct define *defines = define_parse(&manifest->arena, words, n, &cli->diags);
    if (defines)
        manifest->globals = define_over(&manifest->arena, manifest->globals, defines, n);
    else
        cli_write_diags(cli);
    return defines != NULL;
}

bool cache_made_init(struct cache_made *made, struct cli *cli, const struct manifest *manifest) {
    *made = (struct cache_made){.cli = cli, .plan = plan_make(&cli->fs, manifest, &cli->diags)};
    if (cli->diags.errors == 0 && plan_compile_all(made->plan, &cli->diags)) {
        plan_project(made->plan);
        return true;
    }
    cli_write_diags(cli);
    return false;
}

void cache_made_release(struct cache_made *made) {
    plan_free(made->plan);
}

static bool leads_to(const struct journal_recipe *recipe, struct str name) {
    for (uint32_t i = 0; i < recipe->parts_n; i++) {
        struct str part = recipe->parts[i].name;
        if (str_starts(part, STR("template ")) && str_equal(str_from(part, sizeof "template " - 1), name))
            return true;
    }
    return false;
}

size_t cache_made_with(const struct cache_made *made, struct str name,
                       void (*see)(void *context, struct str template_name), void *context) {
    size_t found = 0;
    for (size_t j = 0; j < made->plan->manifest->jobs_n; j++) {
        const struct plan_job *job = &made->plan->jobs[j];
        struct imprint *imprint = imprint_new(fields_projection(job->fields));
        const struct journal_recipe recipe = recipe_of(made->plan, job, imprint, 0, &made->cli->arena);
        if (str_equal(job->job->template_name, name) || leads_to(&recipe, name)) {
            see(context, job->job->template_name);
            found++;
        }
        imprint_free(imprint);
    }
    return found;
}

bool cache_made_of(const struct cache_made *made, struct str name, struct str record,
                   void (*see)(void *context, struct digest fingerprint), void *context) {
    struct shapes *shapes = shapes_new();
    struct buf scratch = BUF_INIT;
    bool fine = true;
    for (size_t j = 0; fine && j < made->plan->manifest->jobs_n; j++) {
        const struct plan_job *job = &made->plan->jobs[j];
        struct reader reader;
        struct value value;
        if (!str_equal(job->job->template_name, name) || job->gathers)
            continue;
        const struct projection *projection = fields_projection(job->fields);
        struct imprint *imprint = imprint_new(projection);
        const struct journal_recipe recipe = recipe_of(made->plan, job, imprint, 0, &made->cli->arena);
        reader_init(&reader, shapes, NULL);
        fine =
            reader_parse(&reader, record, &made->cli->arena, &value) == STATUS_OK && value.tag == VALUE_MAP;
        if (fine)
            see(context, run_past_fingerprint_of(recipe_digest(&recipe),
                                                 imprint_take(imprint, value, &scratch, NULL)));
        else
            cli_fail("--record is a JSON object, not \"%.*s\"", STR_ARG(str_slice(record, 0, 200)));
        reader_release(&reader);
        imprint_free(imprint);
    }
    shapes_free(shapes);
    buf_release(&scratch);
    return fine;
}
