/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expiry as clients say it, turned into the one form the heap keeps: milliseconds since 1970, 0 for never.
 */
#ifndef HEARTH_SERVER_EXPTIME_H
#define HEARTH_SERVER_EXPTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* memcached: an exptime up to this many seconds counts from now on; a larger one is a point in time. */
#define MEMCACHE_RELATIVE_S_MAX (60 * 60 * 24 * 30)

/* An object with this expiry is expired at once, whatever the clock says. */
#define EXPTIME_PAST_MS 1

/*
 * memcached's exptime: 0 never, negative at once, up to 30 days relative to `now_ms`, beyond that seconds since 1970.
 * Returns 0 for never, else the expiry in ms, at least EXPTIME_PAST_MS.
 */
uint64_t exptime_of_memcache(int64_t exptime_s, uint64_t now_ms);

/*
 * Redis's arguments EX, PX, EXAT, PXAT and of EXPIRE: `amount` in units of `unit_ms`, counted from `base_ms` (0 for
 * absolute ones). False, with *expire_at_ms untouched, when the result does not fit 63 bits; what lies before 1970
 * comes out as EXPTIME_PAST_MS.
 */
HEARTH_MUST_USE bool exptime_of_redis(int64_t amount, int64_t unit_ms, uint64_t base_ms, uint64_t *expire_at_ms);

#endif
