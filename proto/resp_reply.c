/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RESP2 replies that are more than a head.
 */
#include "proto/resp_reply.h"

size_t resp_put_simple(char *out, const char *text, size_t len)
{
    out[0] = '+';
    memcpy(out + 1, text, len);
    memcpy(out + 1 + len, RESP_CRLF, 2);
    return 1 + len + 2;
}

size_t resp_put_error(char *out, const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == '\r' || text[len - 1] == '\n')) {
        len--;
    }
    out[0] = '-';
    for (size_t i = 0; i < len; i++) {
        out[1 + i] = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
    }
    memcpy(out + 1 + len, RESP_CRLF, 2);
    return 1 + len + 2;
}
