/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a command's arguments, with Redis's words about what is wrong with them.
 *
 * OPERATIONS  The functions that read a number answer the client when it is none, and return false.
 */
#ifndef HEARTH_SERVER_REDIS_ARGUMENT_H
#define HEARTH_SERVER_REDIS_ARGUMENT_H

#include "server/client.h"

#define ERROR_SYNTAX "ERR syntax error"
#define ERROR_NOT_INTEGER "ERR value is not an integer or out of range"
#define ERROR_TOO_LONG "ERR string exceeds maximum allowed size (proto-max-bulk-len)"

/* Is the argument this word (lower case), in any case of letters? */
bool argument_is(const struct resp_arg *arg, const char *word);

/* An integer of 64 bits in its one canonical form. */
HEARTH_MUST_USE bool argument_i64(struct client *client, const struct resp_arg *arg, int64_t *value);

/* One of the sixteen databases; `range_error` is what is answered to another number. */
HEARTH_MUST_USE bool argument_database(struct client *client, const struct resp_arg *arg, const char *range_error,
                                       uint8_t *db);

/*
 * A life or a moment of SET, SETEX and GETEX: `amount` in units of unit_ms, above 0, counted from now if `relative`.
 */
HEARTH_MUST_USE bool argument_expiry(struct client *client, const struct resp_arg *arg, int64_t unit_ms, bool relative,
                                     uint64_t *expire_at_ms);

/* "ERR invalid expire time in 'name' command". */
void reply_expiry_error(struct client *client);

/*
 * The database that COPY's option DB names; the last one if there are several. False: there is none, or it is wrong.
 */
bool redis_copy_database(uint32_t argc, const struct resp_arg *argv, uint8_t *db);

/* Names the connection: CLIENT SETNAME and HELLO. False: the bytes are no name, and the client has been told. */
HEARTH_MUST_USE bool redis_client_rename(struct client *client, const struct resp_arg *name);

#endif
