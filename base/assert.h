/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assertions, in tiers that say what a failure means.
 *
 * IDEA     An assertion states what the program itself guarantees. Input from a client and bytes from
 *          media are never asserted: they are answered or reported. One condition an assertion, so
 *          that the message names the culprit. Relations between constants are _Static_assert.
 * FAILURE  A line with file, line, function and condition goes to stderr, past the log and its
 *          locks, and the process aborts: what was acknowledged is in the pool, and a restart is
 *          cheap.
 */
#ifndef HEARTH_BASE_ASSERT_H
#define HEARTH_BASE_ASSERT_H

#include "base/compiler.h"

/* Prints where and why, then aborts. `tier` is the name of the macro that failed. */
HEARTH_NORETURN HEARTH_COLD void assert_failed(const char *tier, const char *what, const char *file, int line,
                                               const char *function);

/* Always on; cheap. The process cannot go on when x is false. */
#define must(x) (HEARTH_LIKELY(x) ? (void)0 : assert_failed("must", #x, __FILE__, __LINE__, __func__))

/* Can happen, and should be handled one day; search for it. Always on until then. */
#define ought(x) (HEARTH_LIKELY(x) ? (void)0 : assert_failed("ought", #x, __FILE__, __LINE__, __func__))

/* A place that control never reaches, and why. */
#define never(why) assert_failed("never", why, __FILE__, __LINE__, __func__)

/* Costly; evaluated only with --enable-debug-checks, but compiled always so that it cannot rot. */
#ifdef HEARTH_DEBUG_CHECKS
#define debug_check(x) (HEARTH_LIKELY(x) ? (void)0 : assert_failed("debug_check", #x, __FILE__, __LINE__, __func__))
#else
#define debug_check(x) ((void)sizeof((x) ? 1 : 0))
#endif

#endif
