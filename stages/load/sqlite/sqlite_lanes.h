// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_LANES_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_LANES_H
/*
 * Several connections that read one source, each a range of it (sqlite_split.h) at a time, a batch ahead at most.
 *
 *   queue    ranges in order, each with its lane:   [ range 7: FULL ][ range 8: READING ][ range 9: FULL ]
 *   pull     takes what the first lane has read. When that was all of its range, the lane is free for another one;
 *            else it is hungry, and reads on
 *   a piece  (load_ahead) feeds the first hungry lane, or sends a free one to the next range
 *
 * So records come in the order of the ranges, whoever reads them and when; memory is bounded by a batch a lane; and a
 * range with more rows than were to be expected is read by its lane alone, a batch a pull.
 *
 * Who pulls without anybody reading ahead reads what is missing himself, as if there were one lane.
 *
 * Lanes are owned by the source's loader. pull, ready, wanted: one thread; ahead: any, meanwhile.
 */
#include "stages/load/sqlite/sqlite_source.h"
#include "stages/load/sqlite/sqlite_values.h"

struct sqlite_lanes;
// *out is NULL where the source cannot be split. What is given is borrowed. `most`: lanes.
enum status sqlite_lanes_open(struct loader *loader, struct sqlite_source *source,
                              const struct sqlite_columns *columns, const struct load_options *options,
                              uint32_t most, struct sqlite_lanes **out, struct err *err);
// Gives connections back; false: somebody still reads with one, and gives it back after that.
bool sqlite_lanes_close(struct sqlite_lanes *lanes);
void sqlite_lanes_free(struct sqlite_lanes *lanes); // nobody reads

enum status sqlite_lanes_pull(struct sqlite_lanes *lanes, struct batch *batch, struct err *err);
double sqlite_lanes_share(struct sqlite_lanes *lanes); // of the source, that was pulled, about
bool sqlite_lanes_ready(struct sqlite_lanes *lanes);
uint32_t sqlite_lanes_wanted(struct sqlite_lanes *lanes);
bool sqlite_lanes_ahead(struct sqlite_lanes *lanes);

#endif
