/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two clocks: wall time, which expiry is told in, and monotonic time, which durations are.
 *
 * IDEA     All of Hearth reads time here, so that a test can move it: a test sets a fixed wall time or
 *          shifts both clocks, and nothing ever sleeps to see something expire.
 * THREADS  Any; the overrides are atomic.
 */
#ifndef HEARTH_BASE_CLOCK_H
#define HEARTH_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 UTC. It may jump, and go back. */
uint64_t clock_wall_ms(void);

/* Microseconds and nanoseconds since some moment before the process; never goes back. */
uint64_t clock_mono_us(void);
uint64_t clock_mono_ns(void);

/* CPU time of the calling thread, in microseconds. Tests do not move it. */
uint64_t clock_thread_cpu_us(void);

/* Tests only: wall time stands still at `wall_ms` until it is set again or let go. */
void clock_test_set_wall_ms(uint64_t wall_ms);

/* Tests only: moves both clocks on by `ms`, a fixed wall time as well as a running one. */
void clock_test_advance_ms(uint64_t ms);

/* Tests only: back to the real clocks. */
void clock_test_reset(void);

#endif
