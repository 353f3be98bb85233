/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decoding and checksums of records.
 *
 * IDEA: the checksum is seeded with the segment, its generation and the pool's secret, so that neither what a former
 * use of the segment left behind nor bytes inside a client's value are ever taken for a record.
 */
#include "persist/record.h"

#include "base/assert.h"
#include "persist/hash64.h"

enum {
    CHECKSUM_FROM = offsetof(struct pmd_record, kind),
    FLAGS_KNOWN = PMD_LAST | PMD_HAS_TXN | PMD_HAS_EXPIRY | PMD_HAS_CLIENT_FLAGS | PMD_HAS_CAS,
};

static inline uint32_t options_bytes(uint8_t flags)
{
    return (flags & PMD_HAS_EXPIRY ? 8 : 0) + (flags & PMD_HAS_CLIENT_FLAGS ? 4 : 0) + (flags & PMD_HAS_CAS ? 8 : 0);
}

/* Bytes of a record without its padding. */
static inline uint64_t unpadded_bytes(uint8_t flags, uint32_t key_len, uint64_t value_len)
{
    return sizeof(struct pmd_record) + options_bytes(flags) + key_len + value_len +
           (flags & PMD_HAS_TXN ? sizeof(struct pmd_txn_trailer) : 0);
}

uint64_t record_bytes(uint8_t flags, uint32_t key_len, uint64_t value_len)
{
    return (unpadded_bytes(flags, key_len, value_len) + PM_UNIT - 1) & ~(uint64_t)(PM_UNIT - 1);
}

static bool is_plausible(const struct pmd_record *header)
{
    return header->kind >= PMD_RECORD_FULL && header->kind <= PMD_RECORD_LINK && !(header->flags & ~FLAGS_KNOWN) &&
           header->db < PM_DATABASES;
}

/* Reads the optional fields; returns the first byte behind them. */
static const uint8_t *read_options(const struct pmd_record *header, struct record_view *out)
{
    const uint8_t *at = (const uint8_t *)(header + 1);

    out->expire_at_ms = 0;
    out->client_flags = 0;
    out->cas = header->cts;
    if (header->flags & PMD_HAS_EXPIRY) {
        memcpy(&out->expire_at_ms, at, 8);
        at += 8;
    }
    if (header->flags & PMD_HAS_CLIENT_FLAGS) {
        memcpy(&out->client_flags, at, 4);
        at += 4;
    }
    if (header->flags & PMD_HAS_CAS) {
        memcpy(&out->cas, at, 8);
        at += 8;
    }
    return at;
}

bool record_view(const struct pool *pool, pm_off off, pm_off limit, struct record_view *out)
{
    const struct pmd_record *header = (const struct pmd_record *)pool_at(pool, off);
    uint64_t bytes;

    if (off + sizeof(*header) > limit || !is_plausible(header))
        return false;
    bytes = unpadded_bytes(header->flags, header->key_len, header->value_len);
    if (bytes > limit - off)
        return false;
    out->header = header;
    out->bytes = (uint32_t)((bytes + PM_UNIT - 1) & ~(uint64_t)(PM_UNIT - 1));
    out->key = read_options(header, out);
    out->value = out->key + header->key_len;
    return true;
}

uint32_t record_checksum(const struct pool *pool, pm_off off, const struct pmd_record *record, uint32_t bytes_unpadded)
{
    uint32_t segment = pool_segment_of(pool, off);
    uint32_t generation = atomic_load_explicit(&pool->segments[segment].generation, memory_order_relaxed);
    uint64_t seed = ((uint64_t)generation << 32 | segment) ^ pool->hash_seed;

    return (uint32_t)hash64((const uint8_t *)record + CHECKSUM_FROM, bytes_unpadded - CHECKSUM_FROM, seed);
}

bool record_verify(const struct pool *pool, pm_off off, const struct record_view *view)
{
    const struct pmd_record *header = view->header;
    uint64_t bytes = unpadded_bytes(header->flags, header->key_len, header->value_len);

    return header->checksum == record_checksum(pool, off, header, (uint32_t)bytes);
}

uint32_t record_members_sum(uint32_t sum, uint32_t checksum)
{
    uint32_t pair[2] = {sum, checksum};

    return (uint32_t)hash64(pair, sizeof(pair), 0);
}
