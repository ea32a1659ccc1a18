// SPDX-License-Identifier: MIT
// The manifest, and room for what runs write.
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "pipeline/doctor/doctor.h"

enum { SIZE_TEXT = 32, PATH_SIZE = 4096, PLACES = 3, INODES_LEAST = 10000 };
static const uint64_t BYTES_NONE = 64 << 20, BYTES_FEW = 1 << 30, BYTES_MANY = UINT64_C(10) << 30;
static const double SHARE_FEW = 0.05;

void doctor_check_manifest(struct doctor *doctor) {
    const struct doctor_options *options = doctor->options;
    const struct manifest *manifest = options->manifest;
    if (!manifest)
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL,
                   "there is none here, so only the machine is looked at");
    else if (options->manifest_errors)
        doctor_say(doctor, DOCTOR_FAIL, NULL, "pressrun check shows them", "%.*s has %zu error%s",
                   STR_ARG(manifest->text.name), options->manifest_errors,
                   options->manifest_errors == 1 ? "" : "s");
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%.*s: %zu source%s, %zu job%s",
                   STR_ARG(manifest->text.name), manifest->sources_n, manifest->sources_n == 1 ? "" : "s",
                   manifest->jobs_n, manifest->jobs_n == 1 ? "" : "s");
}

// A place that is not there yet is made in the nearest directory above it. False: there is none.
static bool find_directory(const char *path, char out[PATH_SIZE]) {
    const int n = snprintf(out, PATH_SIZE, "%s", *path ? path : ".");
    if (n < 0 || n >= PATH_SIZE)
        return false;
    struct statvfs fs;
    while (statvfs(out, &fs) != 0) {
        char *slash = strrchr(out, '/');
        if (slash == out)
            out[1] = 0;
        else if (slash)
            *slash = 0;
        else if (strcmp(out, ".") == 0)
            return false;
        else
            memcpy(out, ".", 2);
        if (strcmp(out, "/") == 0)
            break;
    }
    return true;
}

static void say_room(struct doctor *doctor, const char *subject, const char *directory,
                     const struct statvfs *fs) {
    const uint64_t left = (uint64_t)fs->f_bavail * fs->f_frsize, all = (uint64_t)fs->f_blocks * fs->f_frsize;
    const bool inodes = fs->f_files > 0 && fs->f_favail < INODES_LEAST; // some file systems do not count them
    const bool few = left < BYTES_FEW || (left < BYTES_MANY && (double)left < SHARE_FEW * (double)all);
    char left_text[SIZE_TEXT], all_text[SIZE_TEXT];
    doctor_write_bytes(left, left_text, sizeof left_text);
    doctor_write_bytes(all, all_text, sizeof all_text);
    struct stat st;
    if (stat(directory, &st) == 0 && !S_ISDIR(st.st_mode))
        doctor_say(doctor, DOCTOR_FAIL, subject, "remove it, or name another place", "%s is no directory",
                   directory);
    else if (access(directory, W_OK | X_OK) != 0)
        doctor_say(doctor, DOCTOR_FAIL, subject, "change who owns it or its mode, or name another place",
                   "%s may not be written to", directory);
    else if (left < BYTES_NONE)
        doctor_say(doctor, DOCTOR_FAIL, subject, "make room", "%s of %s free", left_text, all_text);
    else if (inodes)
        doctor_say(doctor, DOCTOR_WARN, subject, "remove files there: each output of its own takes one",
                   "room for only %llu more files", (unsigned long long)fs->f_favail);
    else
        doctor_say(doctor, few ? DOCTOR_WARN : DOCTOR_OK, subject, few ? "make room" : NULL, "%s of %s free",
                   left_text, all_text);
}

// Places on the same file system have the same room, and are told of once.
void doctor_check_disk(struct doctor *doctor) {
    const struct doctor_options *options = doctor->options;
    struct buf cache = BUF_INIT;
    const bool is_made = options->manifest && options->manifest->output.p && options->output;
    if (is_made)
        caches_shown(options->manifest, &options->cache, options->output, &cache);
    const struct {
        const char *subject, *path;
    } places[PLACES] = {{"outputs", options->output ? options->output : "."},
                        {"cache", is_made ? buf_text(&cache) : NULL},
                        {"history", options->history}};
    unsigned long seen[PLACES];
    size_t seen_n = 0;
    for (size_t i = 0; i < PLACES; i++) {
        char directory[PATH_SIZE];
        struct statvfs fs;
        bool known = false;
        if (!places[i].path || !find_directory(places[i].path, directory) || statvfs(directory, &fs) != 0)
            continue;
        for (size_t k = 0; k < seen_n; k++)
            known |= seen[k] == fs.f_fsid;
        if (known && access(directory, W_OK | X_OK) == 0)
            continue;
        seen[seen_n++] = fs.f_fsid;
        say_room(doctor, places[i].subject, directory, &fs);
    }
    buf_release(&cache);
}
