// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/command.h"

// Whoever closed one of the standard descriptors does not want an output file to get its number, and then the
// messages meant for it. Reading from the one that is opened instead fails, and so does writing to the others.
static bool hold_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode) != fd)
            return false;
    }
    return true;
}

// Streams of a run are all open at once; what the administrator allows is more than what a shell begins with.
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv) {
    if (!hold_standard_descriptors())
        return EXIT_USAGE;
    signal(SIGCHLD, SIG_DFL); // where it was ignored, how a filter's process ended would not be told
    signal(SIGXFSZ, SIG_IGN); // a limit on file sizes is an error of the write then
    signal(SIGPIPE,
           SIG_IGN); // a reader that has gone is an error of writing, and temporary files are to go too
    raise_descriptor_limit();
    // Nobody asks how much memory SQLite has, and counting it takes a lock that connections of all threads share: a quarter
    // of the time of a query that makes texts, with two of them.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return command_main(argc, argv);
}
