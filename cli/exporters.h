// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_EXPORTERS_H
#define PRESSRUN_CLI_EXPORTERS_H
/*
 * A run's figures to whoever watches it from outside: StatsD datagrams and an OpenMetrics file, as --statsd and --openmetrics
 * or the manifest's `monitor` ask. Both are told once a second while the run goes on, and once when it is over.
 *
 * Nothing that fails here costs the run anything: it is told when the run is over, once. take is called by the run's own
 * thread, everything else before and after it.
 */
#include "cli/command.h"
#include "monitor/snapshot.h"
#include "monitor/statsd.h"
#include "pipeline/manifest/manifest.h"

// All zero: nobody asks for anything.
struct exporters {
    const struct fs *fs;
    struct statsd *statsd;   // NULL: nobody asks for it
    const char *openmetrics; // NULL: the same
    struct str name;         // of the manifest
    struct err fault;        // the first one of the file, since it could last be written; STATUS_OK: none
};

// False: what is wrong has been told. A server whose name leads nowhere is told of, and done without.
bool exporters_open(struct exporters *exporters, struct cli *cli, const struct options *options,
                    const struct manifest *manifest);
bool exporters_any(const struct exporters *exporters);
struct snapshot_taker exporters_taker(struct exporters *exporters);
// The run is over. NULL: it did not begin, and nothing is known of it but that it failed.
void exporters_end(struct exporters *exporters, const struct session *session);
void exporters_close(struct exporters *exporters);

#endif
