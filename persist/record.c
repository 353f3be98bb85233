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
    bytes = record_bytes_unpadded(header->flags, header->key_len, header->value_len);
    if (bytes > limit - off)
        return false;
    out->header = header;
    out->bytes = (uint32_t)((bytes + PM_UNIT - 1) & ~(uint64_t)(PM_UNIT - 1));
    out->key = read_options(header, out);
    out->value = out->key + header->key_len;
    return true;
}

uint64_t record_value_sum(const struct pool *pool, const void *value, uint64_t bytes)
{
    return bytes <= PMD_VALUE_SUMMED_WITHIN_MAX ? 0 : hash64_long(value, bytes, pool->hash_seed);
}

static uint64_t checksum_seed(const struct pool *pool, pm_off off)
{
    uint32_t segment = pool_segment_of(pool, off);
    uint32_t generation = atomic_load_explicit(&pool->generations[segment], memory_order_relaxed);

    return ((uint64_t)generation << 32 | segment) ^ pool->hash_seed;
}

/* With a sum of the value's own: over what lies before the value, then over what lies behind it. */
static HEARTH_COLD uint32_t checksum_apart(const struct pool *pool, pm_off off, const struct pmd_record *record,
                                           uint32_t bytes_unpadded, uint64_t value_sum)
{
    const uint8_t *value = record_key(record) + record->key_len;
    const uint8_t *from = (const uint8_t *)record + CHECKSUM_FROM, *behind = value + record->value_len;
    const uint8_t *end = (const uint8_t *)record + bytes_unpadded;
    uint64_t sum = hash64_long(from, (size_t)(value - from), checksum_seed(pool, off) ^ value_sum);

    return (uint32_t)(behind == end ? sum : hash64_long(behind, (size_t)(end - behind), sum));
}

uint32_t record_checksum(const struct pool *pool, pm_off off, const struct pmd_record *record, uint32_t bytes_unpadded,
                         uint64_t value_sum)
{
    if (HEARTH_UNLIKELY(record->value_len > PMD_VALUE_SUMMED_WITHIN_MAX))
        return checksum_apart(pool, off, record, bytes_unpadded, value_sum);
    return (uint32_t)hash64((const uint8_t *)record + CHECKSUM_FROM, bytes_unpadded - CHECKSUM_FROM,
                            checksum_seed(pool, off));
}

bool record_verify(const struct pool *pool, pm_off off, const struct record_view *view)
{
    const struct pmd_record *header = view->header;
    uint64_t bytes = record_bytes_unpadded(header->flags, header->key_len, header->value_len);

    return __atomic_load_n(&header->checksum, __ATOMIC_RELAXED) ==
           record_checksum(pool, off, header, (uint32_t)bytes, record_value_sum(pool, view->value, header->value_len));
}

/* In one word with the checksum, which others may be reading. */
void record_set_place(const struct pool *pool, struct pm_context *context, pm_loc loc, uint32_t place)
{
    uint8_t *at = pool_at(pool, loc * PM_UNIT);
    uint64_t word;

    _Static_assert(offsetof(struct pmd_record, checksum) == 0 && offsetof(struct pmd_record, place) == 4, "one word");
    memcpy(&word, at, sizeof word);
    pm_store_word(context, (uint64_t *)(void *)at, (word & UINT32_MAX) | (uint64_t)place << 32);
}

bool record_view_at(const struct pool *pool, pm_loc loc, struct record_view *out)
{
    pm_off off = loc * PM_UNIT;
    uint32_t segment = pool_segment_of(pool, off);

    return segment < pool->segment_count && record_view(pool, off, pool_segment_off(pool, segment + 1), out);
}

bool record_is_whole(const struct pool *pool, pm_loc loc)
{
    struct record_view view;

    return record_view_at(pool, loc, &view) && record_verify(pool, loc * PM_UNIT, &view);
}

uint32_t record_members_sum(uint32_t sum, uint32_t checksum)
{
    uint32_t pair[2] = {sum, checksum};

    return (uint32_t)hash64(pair, sizeof(pair), 0);
}
