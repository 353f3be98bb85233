/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last words of a run.
 */
#include "bench/load/fail.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void fail(const char *format, ...)
{
    va_list values;

    pthread_mutex_lock(&lock); /* for ever */
    fflush(stdout);
    fputs("hearth-bench: ", stderr);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    fflush(stderr);
    _exit(1);
}

void *need(void *memory)
{
    if (memory == NULL)
        fail("out of memory");
    return memory;
}
