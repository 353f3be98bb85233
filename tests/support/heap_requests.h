/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests on a heap as its tests make them: one key, one value, within a turn that is open.
 */
#ifndef HEARTH_TESTS_SUPPORT_HEAP_REQUESTS_H
#define HEARTH_TESTS_SUPPORT_HEAP_REQUESTS_H

#include <string.h>

#include "heap/heap_internal.h"

/* Stores; what heap_reserve() says. */
static inline enum heap_reserve put(struct heap_worker *worker, uint8_t db, const char *text, const char *value,
                                    size_t len, uint64_t expire_at_ms)
{
    struct log_part part = {value, len};
    struct heap_put what = {.parts = &part, .part_count = 1, .expire_at_ms = expire_at_ms};
    struct index_key key;
    struct heap_edit edit;
    enum heap_reserve reserved = heap_reserve(worker, heap_bytes((uint32_t)strlen(text), len), 1, false);

    if (reserved != HEAP_RESERVED)
        return reserved;
    heap_key(worker->heap, &key, db, text, strlen(text));
    heap_edit_begin(worker, &key, &edit);
    heap_edit_put(&edit, &what);
    heap_edit_end(&edit);
    return HEAP_RESERVED;
}

/* Whether the key is there, with this value if it is not NULL. */
static inline bool has(struct heap_worker *worker, uint8_t db, const char *text, const char *value)
{
    struct index_key key;
    struct object object;

    heap_key(worker->heap, &key, db, text, strlen(text));
    if (!heap_get(worker, &key, &object))
        return false;
    return value == NULL || (object.value_len == strlen(value) && memcmp(object.value, value, strlen(value)) == 0);
}

#endif
