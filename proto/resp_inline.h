/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands typed by hand: one line cut into arguments by the quoting rules of Redis. Private to proto/.
 */
#ifndef HEARTH_PROTO_RESP_INLINE_H
#define HEARTH_PROTO_RESP_INLINE_H

#include "proto/resp.h"

/*
 * Counts the arguments of a line without its line end. False if a quote is left open, or is closed without a
 * space behind it.
 */
HEARTH_MUST_USE bool resp_inline_count(const uint8_t *line, size_t len, uint32_t *argc);

/*
 * Undoes quotes and escapes in place (nothing grows by that) and writes the arguments, as many as
 * resp_inline_count() has counted, into argv.
 */
void resp_inline_split(uint8_t *line, size_t len, struct resp_arg *argv);

#endif
