// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_REDIS_SERVER_H
#define PRESSRUN_TESTS_SUPPORT_REDIS_SERVER_H
/*
 * A real redis-server for a test: in a scratch directory, on a socket file and a free port of the loopback, with
 * nothing saved. It ends with the test, also where that crashes.
 */
#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
    char dir[64], socket[96], url[128]; // unix://...
    char tcp[128];                      // redis://127.0.0.1:...
    const char *password;               // NULL: none; with one the urls have it
    int port;
    pid_t pid;
};

bool redis_server_there(void); // installed
bool redis_server_start(
    struct redis_server *server); // zeroed but for the password; false: it does not come up
void redis_server_kill(struct redis_server *server);  // SIGKILL; what it held is gone
bool redis_server_again(struct redis_server *server); // at the same place
void redis_server_stop(struct redis_server *server);  // and the directory goes

#endif
