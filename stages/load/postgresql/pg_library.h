// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_LIBRARY_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_LIBRARY_H
/*
 * What is used of libpq, found when a source wants it: linked, it and what it is linked with (TLS, Kerberos, LDAP) would
 * be mapped and bound at every start. By the name (PRESSRUN_LIBPQ) of the version whose headers were built with.
 *
 * Functions are called as libpq has them, without the PQ: library->getCopyData is PQgetCopyData.
 *
 * Immutable once open: any thread may call what is in it until it is closed.
 */
#include <libpq-fe.h>

#include "base/err.h"

#define PG_LIBRARY_FUNCTIONS(X)                                                                              \
    X(backendPID)                                                                                            \
    X(cancel)                                                                                                \
    X(clear)                                                                                                 \
    X(cmdTuples)                                                                                             \
    X(connectPoll)                                                                                           \
    X(connectStartParams)                                                                                    \
    X(conninfo)                                                                                              \
    X(conninfoFree)                                                                                          \
    X(conninfoParse)                                                                                         \
    X(consumeInput)                                                                                          \
    X(errorMessage)                                                                                          \
    X(escapeIdentifier)                                                                                      \
    X(escapeLiteral)                                                                                         \
    X(finish)                                                                                                \
    X(fname)                                                                                                 \
    X(freeCancel)                                                                                            \
    X(freemem)                                                                                               \
    X(ftype)                                                                                                 \
    X(getCancel)                                                                                             \
    X(getCopyData)                                                                                           \
    X(getResult)                                                                                             \
    X(getisnull)                                                                                             \
    X(getlength)                                                                                             \
    X(getvalue)                                                                                              \
    X(isBusy)                                                                                                \
    X(nfields)                                                                                               \
    X(ntuples)                                                                                               \
    X(resultErrorField)                                                                                      \
    X(resultStatus)                                                                                          \
    X(sendDescribePrepared)                                                                                  \
    X(sendPrepare)                                                                                           \
    X(sendQuery)                                                                                             \
    X(sendQueryParams)                                                                                       \
    X(serverVersion)                                                                                         \
    X(setNoticeProcessor)                                                                                    \
    X(socket)                                                                                                \
    X(status)                                                                                                \
    X(transactionStatus)

struct pg_library {
    void *handle; // owned
#define X(name) __typeof__(PQ##name) *name;
    PG_LIBRARY_FUNCTIONS(X)
#undef X
};

// STATUS_UNSUPPORTED, with a sentence for users, where it is missing or lacks a function.
enum status pg_library_open(const char *name, struct pg_library *library, struct err *err);
void pg_library_close(struct pg_library *library);

#endif
