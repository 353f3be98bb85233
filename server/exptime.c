/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arithmetic of expiry; every overflow is an answer.
 */
#include "server/exptime.h"

uint64_t exptime_of_memcache(int64_t exptime_s, uint64_t now_ms)
{
    uint64_t expire_at_ms;

    if (exptime_s == 0)
        return 0;
    if (exptime_s < 0)
        return EXPTIME_PAST_MS;
    if (exptime_s <= MEMCACHE_RELATIVE_S_MAX)
        return now_ms + (uint64_t)exptime_s * 1000;
    if (__builtin_mul_overflow((uint64_t)exptime_s, 1000, &expire_at_ms) || expire_at_ms > INT64_MAX)
        return INT64_MAX; /* so far away that Redis's PTTL could not say it */
    return expire_at_ms;
}

bool exptime_of_redis(int64_t amount, int64_t unit_ms, uint64_t base_ms, uint64_t *expire_at_ms)
{
    int64_t at_ms;

    if (__builtin_mul_overflow(amount, unit_ms, &at_ms) || __builtin_add_overflow(at_ms, (int64_t)base_ms, &at_ms))
        return false;
    *expire_at_ms = at_ms > 0 ? (uint64_t)at_ms : EXPTIME_PAST_MS;
    return true;
}
