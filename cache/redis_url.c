// SPDX-License-Identifier: MIT
#include "cache/redis_url.h"

#include <sys/un.h>

#include "base/buf.h"
#include "base/mem.h"

enum { TEXT_MOST = 1024, PORT_MOST = 65535, DB_MOST = 1 << 20 };

static enum status wrong(struct err *err, const char *what) {
    return err_set(err, STATUS_DATA, "redis url: %s", what);
}

void redis_place_release(struct redis_place *place) {
    mem_free(place->host);
    mem_free(place->port);
    mem_free(place->path);
    mem_free(place->user);
    mem_free(place->password);
    *place = (struct redis_place){0};
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// A copy with %XX resolved; NULL where that is wrong or gives a NUL.
static char *decoded(struct str text) {
    char *out = mem_copy(text.p, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            bool whole = text.n - i > 2;
            int high = whole ? hex_digit(text.p[i + 1]) : -1;
            int low = whole ? hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                mem_free(out);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            mem_free(out);
            return NULL;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return out;
}

static bool parse_number(struct str text, unsigned most, unsigned *number) {
    unsigned n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || n > most / 10)
            return false;
        n = n * 10 + (unsigned)(text.p[i] - '0');
    }
    *number = n;
    return text.n > 0 && n <= most;
}

static bool cut(struct str *text, char at, struct str *after) { // at the first such character
    const char *found = text->n ? memchr(text->p, at, text->n) : NULL;
    if (!found)
        return false;
    size_t n = (size_t)(found - text->p);
    *after = str_from(*text, n + 1);
    text->n = n;
    return true;
}

static enum status parse_user(struct str text, struct redis_place *place, struct err *err) {
    struct str password;
    if (!cut(&text, ':', &password))
        return wrong(err, "before the @ there is user:password, or :password");
    place->user = text.n ? decoded(text) : NULL;
    place->password = decoded(password);
    if (!place->password || (text.n && !place->user))
        return wrong(err, "% in user or password wants two hexadecimal digits after it");
    if (place->password[0] == '\0')
        return wrong(err, "the password is empty");
    return STATUS_OK;
}

static enum status parse_host(struct str text, struct redis_place *place, struct err *err) {
    struct str host = text, port = STR("6379");
    if (text.n && text.p[0] == '[') {
        struct str rest;
        host = str_from(text, 1);
        if (!cut(&host, ']', &rest) || (rest.n && rest.p[0] != ':'))
            return wrong(err, "[ wants a ] after the address");
        if (rest.n)
            port = str_from(rest, 1);
    } else {
        cut(&host, ':', &port);
    }
    unsigned number;
    if (host.n == 0)
        return wrong(err, "there is no host in it");
    if (!parse_number(port, PORT_MOST, &number) || number == 0)
        return wrong(err, "the port is a number from 1 to 65535");
    place->host = mem_copy(host.p, host.n);
    place->port = mem_copy(port.p, port.n);
    return STATUS_OK;
}

static enum status parse_network(struct str text, struct redis_place *place, struct err *err) {
    struct str db;
    if (cut(&text, '/', &db) && db.n && !parse_number(db, DB_MOST, &place->db))
        return wrong(err, "after the / there is the database's number");
    const char *at = text.n ? memrchr(text.p, '@', text.n) : NULL;
    if (at) {
        size_t n = (size_t)(at - text.p);
        enum status status = parse_user((struct str){text.p, n}, place, err);
        if (status != STATUS_OK)
            return status;
        text = str_from(text, n + 1);
    }
    return parse_host(text, place, err);
}

static enum status parse_socket(struct str text, struct redis_place *place, struct err *err) {
    struct str query = {NULL, 0};
    struct sockaddr_un address;
    if (cut(&text, '?', &query) &&
        (!str_starts(query, STR("db=")) || !parse_number(str_from(query, 3), DB_MOST, &place->db)))
        return wrong(err, "after the ? there is db= and the database's number");
    if (text.n < 2 || text.p[0] != '/')
        return wrong(err, "unix:// wants an absolute path after it");
    if (text.n >= sizeof address.sun_path)
        return wrong(err, "the path of the socket is too long for the system");
    place->path = mem_copy(text.p, text.n);
    return STATUS_OK;
}

enum status redis_url_parse(struct str url, struct redis_place *place, struct err *err) {
    *place = (struct redis_place){0};
    enum status status;
    if (url.n > TEXT_MOST || (url.n && memchr(url.p, '\0', url.n)))
        status = wrong(err, "it is longer than 1024 bytes, or has a NUL in it");
    else if (str_starts(url, STR("rediss://")))
        status = wrong(
            err, "rediss:// (redis over TLS) is not supported; a local stunnel or proxy and redis:// do it");
    else if (str_starts(url, STR("redis://")))
        status = parse_network(str_from(url, 8), place, err);
    else if (str_starts(url, STR("unix://")))
        status = parse_socket(str_from(url, 7), place, err);
    else
        status = wrong(err, "it is redis://[user:password@]host[:port][/db] or unix:///path");
    if (status != STATUS_OK)
        redis_place_release(place);
    return status;
}
