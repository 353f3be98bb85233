/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * strtold and printf, with what Redis adds to them.
 */
#include "server/redis_float.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool redis_float_parse(const void *text, size_t len, long double *value)
{
    char copy[REDIS_FLOAT_TEXT_BYTES];
    char *end;
    long double parsed;

    if (len == 0 || len >= sizeof copy || isspace(*(const unsigned char *)text))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    errno = 0;
    parsed = strtold(copy, &end);
    if (end != copy + len || errno == EINVAL || isnan(parsed))
        return false;
    if (errno == ERANGE && (isinf(parsed) || parsed == 0))
        return false;
    *value = parsed;
    return true;
}

size_t redis_float_format(char *out, long double value)
{
    int printed = snprintf(out, REDIS_FLOAT_TEXT_BYTES, "%.17Lf", value);
    size_t len = printed > 0 ? (size_t)printed : 0;

    if (memchr(out, '.', len) == NULL)
        return len;
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    if (len == 2 && out[0] == '-' && out[1] == '0') { /* a sum such as -0.5 + 0.5 has no sign */
        out[0] = '0';
        len = 1;
    }
    return len;
}
