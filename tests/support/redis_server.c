// SPDX-License-Identifier: MIT
#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 1500 };

bool redis_server_there(void) {
    const char *path = getenv("PATH");
    for (char dir[512]; path && *path; path += *path == ':') {
        size_t n = strcspn(path, ":");
        snprintf(dir, sizeof dir, "%.*s/redis-server", (int)(n < 400 ? n : 400), path);
        if (access(dir, X_OK) == 0)
            return true;
        path += n;
    }
    return false;
}

static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = -1;
    if (bind(fd, (struct sockaddr *)&address, n) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &n) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

static bool answers(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char said[64];
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool well = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                write(fd, "PING\r\n", 6) == 6 && read(fd, said, sizeof said) > 0;
    close(fd);
    return well;
}

static void run(const struct redis_server *server) {
    char port[16], config[256];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int log = open("/dev/null", O_RDWR);
    dup2(log, 0);
    dup2(log, 1);
    dup2(log, 2);
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(config, sizeof config, "%s", server->password ? server->password : "");
    execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket",
           server->socket, "--dir", server->dir, "--save", "", "--appendonly", "no", "--databases", "4",
           "--requirepass", config, (char *)NULL);
    _exit(127);
}

bool redis_server_again(struct redis_server *server) {
    unlink(server->socket);
    server->pid = fork();
    if (server->pid == 0)
        run(server);
    for (int i = 0; i < TRIES && server->pid > 0; i++) {
        if (answers(server->socket))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    return false;
}

bool redis_server_start(struct redis_server *server) {
    snprintf(server->dir, sizeof server->dir, "/tmp/pressrun-redis-XXXXXX");
    if (!mkdtemp(server->dir))
        return false;
    server->port = free_port();
    snprintf(server->socket, sizeof server->socket, "%s/socket", server->dir);
    snprintf(server->url, sizeof server->url, "unix://%s", server->socket);
    if (server->password)
        snprintf(server->tcp, sizeof server->tcp, "redis://:%s@127.0.0.1:%d/2", server->password,
                 server->port);
    else
        snprintf(server->tcp, sizeof server->tcp, "redis://127.0.0.1:%d", server->port);
    return redis_server_again(server);
}

void redis_server_kill(struct redis_server *server) {
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_server_stop(struct redis_server *server) {
    if (server->pid > 0)
        redis_server_kill(server);
    unlink(server->socket);
    rmdir(server->dir);
}
