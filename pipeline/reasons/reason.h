// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_REASON_H
#define PRESSRUN_PIPELINE_REASON_H
/*
 * Why an output is made again, in 32 bits as the journal keeps them: a bit a reason, and for the first fields of the
 * job's recipe a bit each that the field's value is another one. Kept in journals: bits keep their meaning.
 */
#include <stdbool.h>
#include <stdint.h>

enum reason {
    REASON_NEW = 1 << 0,     // nothing is known of it
    REASON_RECIPE = 1 << 1,  // templates, globals, options: what the recipe names
    REASON_RECORD = 1 << 2,  // fields of the record
    REASON_MISSING = 1 << 3, // the file is not there
    REASON_EDITED = 1 << 4,  // it is not as it was left
    REASON_FORCED = 1 << 5,  // --force
    REASON_FIELDS = 1 << 6,  // other fields are read than before, so that they cannot be compared
    REASON_LOST = 1 << 7,    // what it was made from is not known any more
    REASON_FIELD_0 = 1 << 8, // the recipe's first field, and so on
};
enum { REASON_FIELD_BITS = 23 }; // the last of 24 stands for all fields behind them

static inline uint32_t reason_of_field(uint32_t field) {
    return (uint32_t)REASON_FIELD_0 << (field < REASON_FIELD_BITS ? field : REASON_FIELD_BITS);
}

#endif
