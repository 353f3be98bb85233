/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clocks, and what tests add to them.
 *
 * The overrides are relaxed atomics: a reader sees either the old time or the new one, and a load of a
 * cached word is all that the real clock pays for them.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic uint64_t test_wall_ms; /* 0: wall time runs */
static _Atomic uint64_t test_shift_ms;

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_wall_ms(void)
{
    uint64_t fixed = atomic_load_explicit(&test_wall_ms, memory_order_relaxed);
    uint64_t shift = atomic_load_explicit(&test_shift_ms, memory_order_relaxed);

    if (fixed != 0)
        return fixed;
    return read_ns(CLOCK_REALTIME) / 1000000 + shift;
}

uint64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC) + atomic_load_explicit(&test_shift_ms, memory_order_relaxed) * 1000000;
}

uint64_t clock_mono_us(void)
{
    return clock_mono_ns() / 1000;
}

uint64_t clock_thread_cpu_us(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID) / 1000;
}

void clock_test_set_wall_ms(uint64_t wall_ms)
{
    atomic_store(&test_wall_ms, wall_ms);
}

void clock_test_advance_ms(uint64_t ms)
{
    atomic_fetch_add(&test_shift_ms, ms);
    if (atomic_load(&test_wall_ms) != 0)
        atomic_fetch_add(&test_wall_ms, ms);
}

void clock_test_reset(void)
{
    atomic_store(&test_wall_ms, 0);
    atomic_store(&test_shift_ms, 0);
}
