// SPDX-License-Identifier: MIT
// A job's filter outside: what is run, and what it is known by.
#include "pipeline/plan/plan.h"

static const uint64_t OUTPUT_BYTES = UINT64_C(64) << 20; // where the manifest does not say
static const uint64_t SECOND = 1000000000;

void plan_arrange_filter(const struct fs *fs, const struct manifest *manifest, struct plan_job *job,
                         struct diags *diags) {
    const struct manifest_through *through = &job->job->through;
    struct err err;
    if (!through->argv || !through->program)
        return;
    job->filter = (struct through_command){
        .program = through->program,
        .argv = through->argv,
        .directory = manifest->directory.n ? manifest->directory.p : ".",
        .time_ns = through->seconds * SECOND,
        .retries = through->retry.times,
        .backoff_ns = through->retry.backoff,
        .output_bytes = manifest->limits.output_bytes ? manifest->limits.output_bytes : OUTPUT_BYTES};
    if (through_identity(fs, &job->filter, through->inputs, through->inputs_n, &job->filter_identity, &err) !=
        STATUS_OK)
        diags_error(diags, &manifest->text, through->span, "%s", err.text);
}

static bool is_plain(const char *word) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._/=:,@%";
    return *word && word[strspn(word, letters)] == 0;
}

void plan_write_filter(const struct plan_job *job, struct buf *out) {
    for (const char *const *word = job->filter.argv; *word; word++) {
        buf_add_text(out, word == job->filter.argv ? "" : " ");
        if (is_plain(*word))
            buf_add_text(out, *word);
        else
            buf_add_json(out, str_of(*word));
    }
}

void plan_write_filter_json(const struct plan_job *job, struct buf *out) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(job->filter_identity, digest);
    for (const char *const *word = job->filter.argv; *word; word++) {
        buf_add_text(out, word == job->filter.argv ? ", \"through\": {\"command\": [" : ", ");
        buf_add_json(out, str_of(*word));
    }
    buf_printf(out, "], \"identity\": \"%s\"}", digest);
}
