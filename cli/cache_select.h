// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_CACHE_SELECT_H
#define PRESSRUN_CLI_CACHE_SELECT_H
/*
 * Which entries of the file tier a subcommand is about: a filter from the command line (category, template, age, key, record),
 * and what it selects. It drops nothing.
 */
#include "cli/cache_text.h"
#include "cli/command.h"

enum { CACHE_FILTER_MOST = 256 };

struct cache_filter {
    bool category_given, keys_given, tag_given;
    enum cache_category category;
    struct digest keys[CACHE_FILTER_MOST];
    size_t keys_n;
    uint32_t tags[CACHE_FILTER_MOST];
    size_t tags_n;
    int64_t before; // made; INT64_MAX: any time
};

struct cache_selection {
    const struct cache_filter *filter;
    struct cache_key *keys; // owned
    size_t n, cap;
    int64_t at; // when
    struct cache_sum sum;
};

// --category alone. False: `err` says why.
bool cache_filter_category(struct cache_filter *filter, const struct options *options, struct err *err);
// All of it, into one of zeros. False: what is wrong has been told.
bool cache_filter_read(struct cache_filter *filter, struct cli *cli, struct manifest *manifest,
                       const struct options *options);
// What a filter selects, `now`; without packs nothing. The caller frees `keys`.
void cache_select(const struct cache_filter *filter, struct packs *packs, int64_t now,
                  struct cache_selection *selection);

#endif
