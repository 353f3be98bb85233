/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of a run that cannot go on: one line on standard error, exit status 1.
 *
 * THREADS  Any; the first to fail has the word.
 */
#ifndef HEARTH_BENCH_FAIL_H
#define HEARTH_BENCH_FAIL_H

#include "base/compiler.h"

/* What went wrong, and to what; without a line end. */
HEARTH_NORETURN HEARTH_COLD void fail(const char *format, ...) HEARTH_PRINTF(1, 2);

/* The memory, or the end. */
void *need(void *memory);

#endif
