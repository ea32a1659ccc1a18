// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SCENARIO_RECORDS_H
#define PRESSRUN_BENCH_SCENARIO_RECORDS_H
/*
 * The records of scenarios, and of micro-benchmarks: JSON, UTF-8, each made from the seed and its number alone. For the
 * files of bench/ and its tests.
 */
#include "bench/random.h"
#include "bench/scenario.h"

typedef void scenario_write(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                            struct buf *out);
scenario_write scenario_write_models, scenario_write_chats, scenario_write_rows, scenario_write_notes,
    scenario_write_ledgers, scenario_write_repeated_ledgers, scenario_write_accounts;

// The random numbers of thing number i, of a kind (any constant), under a seed.
struct random scenario_random(uint64_t seed, uint64_t kind, uint64_t i);
const char *scenario_pick(struct random *r, const char *const *words, uint32_t n);
// So many words, with a special character, an accent or another script here and there; no quotes around it.
void scenario_add_words(struct random *r, uint32_t n, struct buf *out);

extern const struct scenario_template scenario_templates_model[], scenario_templates_prompt[],
    scenario_templates_page[], scenario_templates_note[], scenario_templates_ledger[],
    scenario_templates_summary[], scenario_templates_heading[], scenario_templates_account[],
    scenario_templates_schema[];

// Application `number` of the models as a script of SQL: a table each, foreign keys, and rows that tell what the
// polymorphic relations hold.
void scenario_write_schema(const struct scenario_shape *shape, uint64_t seed, uint64_t number,
                           struct buf *out);

// records.db in `directory`: the same records, as a table of texts (scenario_database.c).
enum status scenario_write_database(const struct scenario *s, const char *directory, uint64_t units,
                                    uint64_t seed, const atomic_bool *interrupt, struct err *err);
// What reads them from there, in YAML.
extern const char scenario_query[];
// A database for each application: NAME.db, its name as scenario_application writes it.
enum status scenario_write_schemas(const struct scenario *s, const char *directory, uint64_t units,
                                   uint64_t seed, const atomic_bool *interrupt, struct err *err);
enum { SCENARIO_NAME_SIZE = 32 };
void scenario_application(uint64_t number, char name[SCENARIO_NAME_SIZE]);

#endif
