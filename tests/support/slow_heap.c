/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A heap that has to be waited for: linked into a hearthd for tests, between server and heap.
 *
 * IDEA     The linker sends the server's calls of a few heap functions here (--wrap). The environment says what happens:
 *            SLOW_HEAP_WAIT=n   each n-th reservation answers HEAP_WAIT
 *            SLOW_HEAP_FULL=1   reservations answer HEAP_FULL, but for deletes
 *            SLOW_HEAP_FILL=n   the hash index is complete when it has been asked for n times
 *            SLOW_HEAP_FAIL=n   the n-th turn that has reserved something cannot be made durable
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "heap/heap.h"

enum heap_reserve __real_heap_reserve(struct heap_worker *worker, uint64_t bytes, uint32_t records, bool deletes_only);
enum heap_reserve __wrap_heap_reserve(struct heap_worker *worker, uint64_t bytes, uint32_t records, bool deletes_only);
enum pm_status __real_heap_turn_close(struct heap_worker *worker, uint64_t *wait_epoch);
enum pm_status __wrap_heap_turn_close(struct heap_worker *worker, uint64_t *wait_epoch);
bool __real_heap_is_filled(const struct heap *heap);
bool __wrap_heap_is_filled(const struct heap *heap);

static _Thread_local bool reserved;

static long setting(const char *name)
{
    const char *value = getenv(name);

    return value == NULL ? 0 : strtol(value, NULL, 10);
}

enum heap_reserve __wrap_heap_reserve(struct heap_worker *worker, uint64_t bytes, uint32_t records, bool deletes_only)
{
    static _Atomic long calls;
    long every = setting("SLOW_HEAP_WAIT");

    if (every > 0 && atomic_fetch_add(&calls, 1) % every == every - 1)
        return HEAP_WAIT;
    if (setting("SLOW_HEAP_FULL") != 0 && !deletes_only)
        return HEAP_FULL;
    enum heap_reserve result = __real_heap_reserve(worker, bytes, records, deletes_only);
    reserved |= result == HEAP_RESERVED;
    return result;
}

enum pm_status __wrap_heap_turn_close(struct heap_worker *worker, uint64_t *wait_epoch)
{
    static _Atomic long turns;
    enum pm_status status = __real_heap_turn_close(worker, wait_epoch);
    long fail = setting("SLOW_HEAP_FAIL");

    if (reserved && fail > 0 && atomic_fetch_add(&turns, 1) == fail - 1)
        status = PM_IO;
    reserved = false;
    return status;
}

bool __wrap_heap_is_filled(const struct heap *heap)
{
    static _Atomic long asked;

    return atomic_fetch_add(&asked, 1) >= setting("SLOW_HEAP_FILL") && __real_heap_is_filled(heap);
}
