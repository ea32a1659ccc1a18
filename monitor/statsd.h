// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_STATSD_H
#define PRESSRUN_MONITOR_STATSD_H
/*
 * Snapshots as StatsD datagrams (UDP), several lines in each and none above STATSD_DATAGRAM bytes.
 *
 *   pressrun.nightly.load.records:51204|c         totals: what was added since the last time
 *   pressrun.nightly.live.queue_depth:5|g         everything else: as it is now, in the metric's own unit
 *   pressrun.nightly.template.card_j2.p99:0.000045|g
 *
 * Names are those of metrics.h behind "pressrun." and the manifest's name; in that one, and in names of jobs and templates,
 * whatever is not a letter, digit, "-" or "_" becomes "_". When the run is over, what only a run that goes on has (live.*)
 * is told once more, as 0.
 *
 * Nothing here waits: a datagram that cannot be sent at once is lost, and counted. The host's name is looked up once, when
 * it is opened. One thread at a time.
 */
#include <stdint.h>

#include "base/err.h"
#include "monitor/snapshot.h"

enum { STATSD_DATAGRAM = 1432 }; // fits an Ethernet frame whole

struct statsd; // owned

// `address` is HOST:PORT, or [ADDRESS]:PORT of IPv6. STATUS_DATA: it is none; STATUS_IO: there is no such host.
enum status statsd_open(const char *address, struct statsd **statsd, struct err *err);
void statsd_send(struct statsd *statsd, const struct snapshot *snapshot);
uint64_t statsd_lost(const struct statsd *statsd); // datagrams that nobody took, as far as that is known
void statsd_close(struct statsd *statsd);          // NULL is fine

#endif
