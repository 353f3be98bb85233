/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Index keys as byte strings: one byte database, then the user's key.
 *
 * IDEA: the database byte is never stored in front of the key, so everything that compares goes through here.
 * A slice is eight bytes of a key from some offset, big-endian and padded with zeros: slices compare like the bytes, and
 * two different slices differ first at a byte that the greater key really has. Equal slices decide nothing: "a" and
 * "a\0" have the same.
 */
#ifndef HEARTH_PERSIST_INDEX_KEY_H
#define HEARTH_PERSIST_INDEX_KEY_H

#include <string.h>

#include "persist/skiplist.h"

enum { INDEX_KEY_BYTES_MAX = RECORD_KEY_MAX + 1 };

static inline struct index_key index_key_of_record(const struct pmd_record *record)
{
    return (struct index_key){.db = record->db, .data = record_key(record), .len = record->key_len};
}
/* The key with these bytes, database first; bytes_len is at least 1. */
static inline struct index_key index_key_of_bytes(const uint8_t *bytes, uint32_t bytes_len)
{
    return (struct index_key){.db = bytes[0], .data = bytes + 1, .len = bytes_len - 1};
}
static inline uint32_t index_key_bytes(const struct index_key *key)
{
    return key->len + 1;
}

static inline uint64_t bytes_slice(const uint8_t *bytes, uint32_t available)
{
    uint64_t slice = 0;

    if (HEARTH_LIKELY(available >= 8)) {
        memcpy(&slice, bytes, 8);
        return __builtin_bswap64(slice);
    }
    for (uint32_t i = 0; i < available; i++)
        slice |= (uint64_t)bytes[i] << (56 - 8 * i);
    return slice;
}
/* Eight bytes of the index key from `offset`. */
static inline uint64_t index_key_slice(const struct index_key *key, uint32_t offset)
{
    uint32_t available;

    if (HEARTH_UNLIKELY(offset == 0))
        return (uint64_t)key->db << 56 | (key->len != 0 ? bytes_slice(key->data, key->len) >> 8 : 0);
    offset--;
    if (offset >= key->len)
        return 0;
    available = key->len - offset;
    if (available < 8 && key->len >= 8) /* the last eight bytes, without those before the offset */
        return bytes_slice(key->data + key->len - 8, 8) << 8 * (8 - available);
    return bytes_slice(key->data + offset, available);
}
/* The first `count` bytes of the index key, which has so many. */
static inline void index_key_copy(const struct index_key *key, uint32_t count, uint8_t *to)
{
    if (count == 0)
        return;
    to[0] = key->db;
    if (count > 1)
        memcpy(to + 1, key->data, count - 1);
}

static inline uint32_t bytes_shared(const uint8_t *a, const uint8_t *b, uint32_t limit)
{
    uint32_t i = 0;
    uint64_t x, y;

    while (i + 8 <= limit) {
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y)
            return i + (uint32_t)__builtin_ctzll(x ^ y) / 8;
        i += 8;
    }
    if (i != 0 && i < limit) { /* the last eight, some of them again */
        memcpy(&x, a + limit - 8, 8);
        memcpy(&y, b + limit - 8, 8);
        return x == y ? limit : limit - 8 + (uint32_t)__builtin_ctzll(x ^ y) / 8;
    }
    while (i < limit && a[i] == b[i])
        i++;
    return i;
}
/* Length of the longest common prefix, in bytes of index keys. */
static inline uint32_t index_key_shared(const struct index_key *a, const struct index_key *b)
{
    return a->db != b->db ? 0 : 1 + bytes_shared(a->data, b->data, a->len < b->len ? a->len : b->len);
}
static inline uint32_t index_key_shared_bytes(const struct index_key *key, const uint8_t *bytes, uint32_t bytes_len)
{
    if (bytes_len == 0 || key->db != bytes[0])
        return 0;
    return 1 + bytes_shared(key->data, bytes + 1, key->len < bytes_len - 1 ? key->len : bytes_len - 1);
}

/* memcmp order, shorter first: below, at or above 0. */
static inline int index_key_compare(const struct index_key *a, const struct index_key *b)
{
    uint32_t common = a->len < b->len ? a->len : b->len;
    int order;

    if (a->db != b->db)
        return a->db < b->db ? -1 : 1;
    order = common != 0 ? memcmp(a->data, b->data, common) : 0;
    if (order != 0)
        return order;
    return a->len < b->len ? -1 : a->len > b->len;
}
static inline int index_key_compare_bytes(const struct index_key *key, const uint8_t *bytes, uint32_t bytes_len)
{
    struct index_key other;

    if (bytes_len == 0)
        return 1;
    other = index_key_of_bytes(bytes, bytes_len);
    return index_key_compare(key, &other);
}
static inline bool index_key_equal(const struct index_key *a, const struct index_key *b)
{
    return a->len == b->len && a->db == b->db && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

#endif
