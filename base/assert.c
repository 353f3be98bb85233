/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of a failed assertion: one line on stderr, then abort().
 *
 * It allocates nothing and takes no lock, since the failure may have come under any of them.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void assert_failed(const char *tier, const char *what, const char *file, int line, const char *function)
{
    char text[512];
    int len = snprintf(text, sizeof text, "hearth: %s(%s) failed at %s:%d in %s\n", tier, what, file, line, function);

    if (len >= (int)sizeof text)
        len = sizeof text - 1;
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        abort();
    abort();
}
