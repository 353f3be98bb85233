/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A record as seen in memory: one version of one object, decoded from media or about to be written.
 *
 * Readers get pointers into the mapping: valid within the turn (epoch pin) in which they were got.
 */
#ifndef HEARTH_PERSIST_RECORD_H
#define HEARTH_PERSIST_RECORD_H

#include <stdbool.h>

#include "base/compiler.h"
#include "persist/pool.h"

enum { RECORD_KEY_MAX = 65535, RECORD_VALUE_MAX = 1024 * 1024 };

/* cts: epoch 40 | counter 17 | writer 7. */
enum { CTS_WRITER_BITS = 7, CTS_COUNTER_BITS = 17, CTS_EPOCH_SHIFT = 24 };
static inline uint64_t cts_epoch(uint64_t cts)
{
    return cts >> CTS_EPOCH_SHIFT;
}
static inline uint64_t cts_make(uint64_t epoch, uint32_t counter, uint32_t writer)
{
    return epoch << CTS_EPOCH_SHIFT | (uint64_t)counter << CTS_WRITER_BITS | writer;
}

/* Where a record's parts lie; filled by record_view(), without reading key or value. */
struct record_view {
    const struct pmd_record *header;
    const uint8_t *key;
    const uint8_t *value;
    uint64_t expire_at_ms; /* 0: none */
    uint64_t cas;          /* the CAS unique: cts unless the record says otherwise */
    uint32_t client_flags;
    uint32_t bytes; /* on media, padding included */
};

/* Bytes on media of a record with these parts, without its padding. */
static inline uint64_t record_bytes_unpadded(uint8_t flags, uint32_t key_len, uint64_t value_len)
{
    uint64_t bytes = sizeof(struct pmd_record) + key_len + value_len;

    if (HEARTH_UNLIKELY(flags & (PMD_HAS_EXPIRY | PMD_HAS_CLIENT_FLAGS | PMD_HAS_CAS | PMD_HAS_TXN)))
        bytes += (flags & PMD_HAS_EXPIRY ? 8 : 0) + (flags & PMD_HAS_CLIENT_FLAGS ? 4 : 0) +
                 (flags & PMD_HAS_CAS ? 8 : 0) + (flags & PMD_HAS_TXN ? sizeof(struct pmd_txn_trailer) : 0);
    return bytes;
}
/* The same with padding. */
static inline uint64_t record_bytes(uint8_t flags, uint32_t key_len, uint64_t value_len)
{
    return (record_bytes_unpadded(flags, key_len, value_len) + PM_UNIT - 1) & ~(uint64_t)(PM_UNIT - 1);
}

/* What the writer of a record knew of the version that it replaces, so that nobody has to read that one again. */
struct record_replaced {
    pm_loc loc;          /* 0: there was none, or it is not known */
    uint32_t generation; /* of its segment, RECORD_GENERATION_MASK of it: if that has changed, it lies there no more */
    uint32_t bytes : 31; /* of its record, padding included */
    uint32_t has_expiry : 1; /* its record has one */
};
#define RECORD_GENERATION_MASK ((UINT32_C(1) << (64 - PM_LOC_BITS)) - 1)
/* The generation of the segment that a location lies in, as far as struct record_replaced keeps it. */
static inline uint32_t record_generation(const struct pool *pool, pm_loc loc)
{
    return atomic_load_explicit(&pool->generations[pool_segment_of(pool, loc * PM_UNIT)], memory_order_relaxed) &
           RECORD_GENERATION_MASK;
}

/*
 * Looks at the record at `off`: false when its lengths do not fit into the segment (damage or end of log). Does not
 * verify the checksum. `limit`: first byte behind what may be read (at most the segment's end).
 */
bool record_view(const struct pool *pool, pm_off off, pm_off limit, struct record_view *out);
/* Verifies the checksum of a viewed record against its segment's generation. */
bool record_verify(const struct pool *pool, pm_off off, const struct record_view *view);
/* The same two for a record that the index names. */
bool record_view_at(const struct pool *pool, pm_loc loc, struct record_view *out);
bool record_is_whole(const struct pool *pool, pm_loc loc);
/* The part of a record's checksum that its value makes, if that is a long one. */
uint64_t record_value_sum(const struct pool *pool, const void *value, uint64_t bytes);
/* Computes the checksum of a complete record lying at `record`, to be valid at `off`. Reads no long value. */
uint32_t record_checksum(const struct pool *pool, pm_off off, const struct pmd_record *record, uint32_t bytes_unpadded,
                         uint64_t value_sum);
/* The sum of a transaction's trailer (struct pmd_txn_trailer): one step, for a member with this checksum. */
uint32_t record_members_sum(uint32_t sum, uint32_t checksum);

/* A trusted record named by index or hash index: no bounds beyond debug checks; the hot path. */
static inline const struct pmd_record *record_at(const struct pool *pool, pm_loc loc)
{
    return (const struct pmd_record *)(pool->pm->base + loc * PM_UNIT);
}
/* Where the index had the key's entry, a hint (skiplist_overwrite()). The index writer may be storing it. */
static inline uint32_t record_place(const struct pmd_record *record)
{
    return __atomic_load_n(&record->place, __ATOMIC_RELAXED);
}
/* Of a record that is closed: in a cut, or named by the index; the index writer's. Not flushed: a crash may leave the old
 * place. */
void record_set_place(const struct pool *pool, struct pm_context *context, pm_loc loc, uint32_t place);
/* What reading a short key reads of a record. */
#define RECORD_HEAD_BYTES (sizeof(struct pmd_record) + 16)
/* Asks for a record's head; it need not be one. */
static inline void record_prefetch_head(const void *record)
{
    HEARTH_PREFETCH(record);
    HEARTH_PREFETCH((const uint8_t *)record + RECORD_HEAD_BYTES - 1);
}
static inline const uint8_t *record_key(const struct pmd_record *record)
{
    return (const uint8_t *)(record + 1) + (record->flags & PMD_HAS_EXPIRY ? 8 : 0) +
           (record->flags & PMD_HAS_CLIENT_FLAGS ? 4 : 0) + (record->flags & PMD_HAS_CAS ? 8 : 0);
}

#endif
