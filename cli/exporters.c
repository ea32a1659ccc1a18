// SPDX-License-Identifier: MIT
#include "cli/exporters.h"

#include "monitor/openmetrics.h"

// What is asked for; "none" on the command line takes back what the manifest asks for.
static const char *choose(const struct options *options, const char *name, struct str of_manifest) {
    const char *flag = options_get(options, name);
    if (flag)
        return strcmp(flag, "none") == 0 ? NULL : flag;
    return of_manifest.p;
}

bool exporters_open(struct exporters *exporters, struct cli *cli, const struct options *options,
                    const struct manifest *manifest) {
    struct err err;
    *exporters = (struct exporters){.fs = &cli->fs,
                                    .name = manifest->name,
                                    .openmetrics = choose(options, "openmetrics", manifest->openmetrics)};
    const char *address = choose(options, "statsd", manifest->statsd);
    const enum status status = address ? statsd_open(address, &exporters->statsd, &err) : STATUS_OK;
    if (status == STATUS_DATA)
        cli_fail("%s: %s", options_has(options, "statsd") ? "--statsd" : "monitor.statsd", err.text);
    else if (status != STATUS_OK)
        cli_note("StatsD: %s; the run is not told of there", err.text);
    return status != STATUS_DATA;
}

bool exporters_any(const struct exporters *exporters) {
    return exporters->statsd || exporters->openmetrics;
}

static void export(struct exporters *exporters, const struct snapshot *snapshot) {
    struct err err;
    if (exporters->statsd)
        statsd_send(exporters->statsd, snapshot);
    if (!exporters->openmetrics)
        return;
    if (openmetrics_save(exporters->fs, exporters->openmetrics, snapshot, &err) == STATUS_OK)
        exporters->fault.status = STATUS_OK;
    else if (exporters->fault.status == STATUS_OK)
        exporters->fault = err;
}

static void take(void *self, const struct snapshot *snapshot) {
    if (snapshot->sequence % SNAPSHOTS_PER_SECOND == 0)
        export(self, snapshot);
}

struct snapshot_taker exporters_taker(struct exporters *exporters) {
    return (struct snapshot_taker){exporters, take};
}

void exporters_end(struct exporters *exporters, const struct session *session) {
    struct snapshot last;
    if (!exporters_any(exporters))
        return;
    snapshot_init(&last);
    if (session)
        snapshot_of_session(&last, session);
    last.over = true;
    last.name = exporters->name;
    last.outcome = session ? session->outcome : STR("failed");
    export(exporters, &last);
    snapshot_release(&last);
    if (exporters->fault.status != STATUS_OK)
        cli_note("%s", exporters->fault.text);
    const uint64_t lost = exporters->statsd ? statsd_lost(exporters->statsd) : 0;
    if (lost)
        cli_note("StatsD: %llu datagram%s could not be sent", (unsigned long long)lost, lost == 1 ? "" : "s");
}

void exporters_close(struct exporters *exporters) {
    statsd_close(exporters->statsd);
}
