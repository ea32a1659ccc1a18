// SPDX-License-Identifier: MIT
// What a run reads, and its trace, are not to be overwritten by outputs: those below the output directory claim their
// paths.
#include <stdlib.h>

#include "base/buf.h"
#include "pipeline/run/run_private.h"

static void claim_file(struct run *run, const char *root, const char *path, uint32_t holds) {
    struct claim holder;
    char *real = realpath(path, NULL);
    size_t n = strlen(root);
    if (real && strncmp(real, root, n) == 0 && (real[n] == '/' || n == 1))
        claims_take(run->claims, str_of(real + n + (n > 1)), (struct claim){holds, 0}, &holder);
    free(real);
}

// The jobs' own templates, wherever in the search path they would be found, and the stores.
static void claim_templates(struct run *run, const char *root) {
    const struct manifest *manifest = run->plan->manifest;
    struct buf path = BUF_INIT;
    for (size_t j = 0; j < manifest->jobs_n; j++)
        for (size_t d = 0; d < manifest->places_n; d++) {
            if (manifest->places[d].is_store)
                continue;
            buf_clear(&path);
            buf_printf(&path, "%.*s/%.*s", STR_ARG(manifest->places[d].path),
                       STR_ARG(manifest->jobs[j].template_name));
            claim_file(run, root, buf_text(&path), CLAIMS_INPUT);
        }
    for (size_t d = 0; d < manifest->places_n; d++)
        if (manifest->places[d].is_store)
            claim_file(run, root, manifest->places[d].path.p, CLAIMS_INPUT);
    buf_release(&path);
}

void run_claim_inputs(struct run *run) {
    const struct manifest *manifest = run->plan->manifest;
    const char *output = run->options->output ? run->options->output : manifest->output.p;
    char *root = realpath(output, NULL);
    if (!root)
        return;
    claim_file(run, root, manifest->text.name.p, CLAIMS_INPUT);
    for (size_t s = 0; s < manifest->sources_n; s++)
        if (manifest->sources[s].path.p && !manifest->sources[s].files.p &&
            !str_is(manifest->sources[s].path, "-"))
            claim_file(run, root, manifest->sources[s].path.p, CLAIMS_INPUT);
    claim_templates(run, root);
    if (run->options->trace)
        claim_file(run, root, trace_path(run->options->trace), CLAIMS_TRACE);
    free(root);
}
