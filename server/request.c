/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parking: a request that has to wait keeps its place and its arguments.
 *
 * IDEA     It happens rarely, so it may allocate. Arguments are copied as pointers; the bytes that they point to stay in
 *          the connection's input buffer, which is left alone as long as something is parked.
 */
#include "server/request.h"

#include <stdlib.h>

#include "server/conn.h"

static bool make_room(struct conn *conn)
{
    struct parked *parked = conn->parked;
    struct request *requests;
    uint32_t capacity;

    if (parked == NULL) {
        parked = conn->parked = calloc(1, sizeof *parked);
        if (parked == NULL)
            return false;
    }
    if (parked->count < parked->capacity)
        return true;
    capacity = parked->capacity == 0 ? 4 : parked->capacity * 2;
    requests = realloc(parked->requests, capacity * sizeof *requests);
    if (requests == NULL)
        return false;
    parked->requests = requests;
    parked->capacity = capacity;
    return true;
}

bool request_park(struct request *request)
{
    struct conn *conn = request->conn;
    struct resp_arg *argv = NULL;
    struct request *copy;

    if (request->argc > 0) {
        argv = malloc(request->argc * sizeof *argv);
        if (argv == NULL)
            return false;
        memcpy(argv, request->argv, request->argc * sizeof *argv);
    }
    if (!make_room(conn)) {
        free(argv);
        return false;
    }
    copy = &conn->parked->requests[conn->parked->count++];
    *copy = *request;
    copy->argv = argv;
    return true;
}

void requests_unpark(struct conn *conn)
{
    struct parked *parked = conn->parked;

    if (parked == NULL)
        return;
    for (uint32_t i = 0; i < parked->count; i++)
        free(parked->requests[i].argv);
    free(parked->requests);
    free(parked);
    conn->parked = NULL;
}
