/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What gcc and clang offer beyond C11, under one name each.
 */
#ifndef HEARTH_BASE_COMPILER_H
#define HEARTH_BASE_COMPILER_H

#define HEARTH_LIKELY(x) __builtin_expect(!!(x), 1)
#define HEARTH_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The result is an answer that the caller has to look at. */
#define HEARTH_MUST_USE __attribute__((warn_unused_result))

/* printf-like: argument `fmt` is the format, the values begin at `first`. */
#define HEARTH_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

#define HEARTH_NORETURN __attribute__((noreturn))
/* Rarely needed: a function of its own, whose registers its callers need not save. */
#define HEARTH_COLD __attribute__((cold, noinline))
/* Part of the path of each request, and worth a copy in each caller. */
#define HEARTH_INLINE inline __attribute__((always_inline))
#define HEARTH_UNUSED __attribute__((unused))

/* Asks for the line of an address that will be read, or written. To gcc (12) a function that does nothing else has no
 * effect, so that it drops the calls, and with them what they were to fetch: the empty asm is an effect. */
#define HEARTH_PREFETCH(address) HEARTH_PREFETCH_FOR(address, 0)
#define HEARTH_PREFETCH_WRITE(address) HEARTH_PREFETCH_FOR(address, 1)
#define HEARTH_PREFETCH_FOR(address, write) \
    do { \
        __builtin_prefetch((address), (write)); \
        __asm__ volatile(""); \
    } while (0)

#define HEARTH_CACHE_LINE_BYTES 64
#define HEARTH_CACHE_ALIGNED __attribute__((aligned(HEARTH_CACHE_LINE_BYTES)))

#define HEARTH_ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
