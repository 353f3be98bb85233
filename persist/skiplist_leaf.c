/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One leaf of the ordered index, as bytes.
 */
#include "persist/skiplist_leaf.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/assert.h"
#include "base/log.h"
#include "persist/hash64.h"

enum { HEADER_SUMMED_FROM = 4, HEADER_SUMMED_BYTES = 28, HEADER_SUMMED_TO = PM_LINE - HEADER_SUMMED_BYTES };
enum { PLACE_NEXT = PM_LEAF_ENTRIES_MAX, PLACE_PASSED, REST_BYTES = 12 + 2 * PM_LEAF_KEY_BYTES_MAX };
_Static_assert(offsetof(struct pmd_leaf, tower) == HEADER_SUMMED_FROM + HEADER_SUMMED_BYTES, "summed header");

bool leaf_is_sound(const struct pmd_leaf *leaf)
{
    if (leaf->prefix_len > PM_LEAF_KEY_BYTES_MAX || leaf->height > PM_LEAF_TOWER)
        return false;
    if (leaf->low_len == LEAF_LOW_SPILLED ? leaf->low_full_len <= PM_LEAF_KEY_BYTES_MAX && leaf->low_full_len != 0
                                          : leaf->low_len > PM_LEAF_KEY_BYTES_MAX)
        return false;
    return leaf->used == 0 || 64 - (uint32_t)__builtin_clzll(leaf->used) <= leaf_capacity(leaf);
}

/* The summed bytes become one stretch: those of the header move over the towers, up against the area. */
uint32_t spill_checksum(struct pmd_leaf *copy, uint64_t number)
{
    uint8_t *bytes = (uint8_t *)copy;

    memcpy(bytes + HEADER_SUMMED_TO, bytes + HEADER_SUMMED_FROM, HEADER_SUMMED_BYTES);
    return (uint32_t)hash64(bytes + HEADER_SUMMED_TO, HEADER_SUMMED_BYTES + PM_LEAF_AREA, number);
}

/* ---- the checksum ---- */

/* One term: 128 bits of a product folded to 32, as XXH3 does with 64. `place` tells equal words in other places apart. */
static uint32_t term(uint64_t a, uint64_t b, uint64_t place)
{
    unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0x1cad21f72c81017c) ^ place << 56) *
                                (b ^ UINT64_C(0xdb979083e96dd4de) ^ place << 4);
    uint64_t folded = (uint64_t)(product >> 64) ^ (uint64_t)product;

    return (uint32_t)(folded ^ folded >> 32);
}
uint32_t leaf_entry_term(struct pmd_leaf_entry entry, uint32_t slot)
{
    return term(entry.loc_hash, entry.hash_key, slot);
}
static uint32_t next_term(const struct pmd_leaf *leaf)
{
    return term(leaf->next, 0, PLACE_NEXT);
}
static uint32_t passed_term(const struct pmd_leaf *leaf)
{
    return term(leaf->passed, leaf->zero, PLACE_PASSED);
}

/* What seldom changes. */
static uint32_t rest_term(const struct pmd_leaf *leaf, uint64_t number)
{
    uint32_t tail = (uint32_t)leaf->prefix_len + leaf_low_bytes(leaf);
    uint8_t bytes[REST_BYTES];

    must(tail <= 2 * PM_LEAF_KEY_BYTES_MAX);
    memcpy(bytes, &leaf->state, 4);
    memcpy(bytes + 4, &leaf->low_spill, 8);
    memcpy(bytes + 12, leaf->area + PM_LEAF_AREA - tail, tail);
    return (uint32_t)hash64(bytes, 12 + tail, number);
}

uint32_t leaf_checksum(const struct pmd_leaf *leaf, uint64_t number)
{
    struct pmd_leaf copy;
    uint32_t sum;

    if (HEARTH_UNLIKELY(!leaf_is_sound(leaf))) {
        copy = *leaf;
        return spill_checksum(&copy, ~number);
    }
    sum = rest_term(leaf, number) + next_term(leaf) + passed_term(leaf);
    for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left);

        sum += leaf_entry_term(leaf_entry(leaf, slot), slot);
    }
    return sum;
}

/* ---- changing ---- */

void leaf_set_next(struct pmd_leaf *leaf, uint64_t next)
{
    leaf->checksum -= next_term(leaf);
    leaf->next = (uint32_t)next;
    leaf->checksum += next_term(leaf);
}

static void set_passed(struct pmd_leaf *leaf, uint32_t passed)
{
    leaf->checksum -= passed_term(leaf);
    leaf->passed = (uint16_t)passed;
    leaf->checksum += passed_term(leaf);
}

void leaf_set_entry(struct pmd_leaf *leaf, uint32_t slot, struct pmd_leaf_entry entry)
{
    if ((leaf->used >> slot & 1) != 0)
        leaf->checksum -= leaf_entry_term(leaf_entry(leaf, slot), slot);
    leaf->used |= UINT64_C(1) << slot;
    leaf->checksum += leaf_entry_term(entry, slot);
    memcpy(leaf->area + slot * sizeof entry, &entry, sizeof entry);
}

void leaf_remove(struct pmd_leaf *leaf, uint64_t slots)
{
    for (uint64_t left = slots; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left);

        leaf->checksum -= leaf_entry_term(leaf_entry(leaf, slot), slot);
    }
    leaf->used &= ~slots;
}

static uint64_t slots_below(uint32_t count)
{
    return (UINT64_C(1) << count) - 1;
}
/* Slots of a line, in the lowest bits. */
static uint64_t slots_of_line(uint64_t slots, uint32_t line)
{
    return slots >> line * PM_LEAF_LINE_ENTRIES & slots_below(PM_LEAF_LINE_ENTRIES);
}

/* The lines from the one an entry belongs to up to the one before it. */
static uint32_t lines_passed(uint64_t hash, uint32_t line)
{
    uint32_t passed = 0;

    for (uint32_t at = leaf_home(hash); at != line; at = leaf_line_behind(at))
        passed |= 1U << at;
    return passed;
}

uint32_t leaf_place(struct pmd_leaf *leaf, uint64_t hash)
{
    uint64_t available = ~leaf->used & slots_below(leaf_capacity(leaf));
    uint32_t line = leaf_home(hash), passed;

    must(available != 0);
    while (slots_of_line(available, line) == 0)
        line = leaf_line_behind(line);
    passed = lines_passed(hash, line);
    if ((passed & ~leaf->passed) != 0)
        set_passed(leaf, leaf->passed | passed);
    return line * PM_LEAF_LINE_ENTRIES + (uint32_t)__builtin_ctzll(slots_of_line(available, line));
}

uint32_t leaf_settle(struct pmd_leaf *leaf)
{
    uint32_t changed = 0, passed = 0;

    for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left), line = leaf_slot_line(slot);
        struct pmd_leaf_entry entry = leaf_entry(leaf, slot);
        uint32_t home = leaf_home(entry_hash(entry));
        uint64_t available = slots_of_line(~leaf->used & slots_below(leaf_capacity(leaf)), home);

        if (home == line)
            continue;
        if (available == 0) {
            passed |= lines_passed(entry_hash(entry), line);
            continue;
        }
        leaf_remove(leaf, UINT64_C(1) << slot);
        leaf_set_entry(leaf, home * PM_LEAF_LINE_ENTRIES + (uint32_t)__builtin_ctzll(available), entry);
        changed |= 1U << home;
    }
    set_passed(leaf, passed);
    return changed;
}

/* ---- finding ---- */

/* Which entries of a line have `low` as their first 28 hash bits, the highest of their first word. */
#ifdef __SSE2__
static uint64_t match_line(const struct pmd_leaf *leaf, uint32_t line, uint64_t low)
{
    const float *words = (const float *)(const void *)(leaf->area + line * PM_LINE); /* four an entry */
    __m128 first = _mm_shuffle_ps(_mm_loadu_ps(words), _mm_loadu_ps(words + 4), _MM_SHUFFLE(1, 1, 1, 1));
    __m128 second = _mm_shuffle_ps(_mm_loadu_ps(words + 8), _mm_loadu_ps(words + 12), _MM_SHUFFLE(1, 1, 1, 1));
    __m128i four = _mm_castps_si128(_mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0)));
    __m128i equal = _mm_cmpeq_epi32(_mm_srli_epi32(four, PM_LOC_BITS - 32), _mm_set1_epi32((int)low));

    return (uint64_t)_mm_movemask_ps(_mm_castsi128_ps(equal));
}
#else
static uint64_t match_line(const struct pmd_leaf *leaf, uint32_t line, uint64_t low)
{
    uint64_t found = 0;

    for (uint32_t i = 0; i < PM_LEAF_LINE_ENTRIES; i++)
        found |= (uint64_t)(leaf_entry(leaf, line * PM_LEAF_LINE_ENTRIES + i).loc_hash >> PM_LOC_BITS == low) << i;
    return found;
}
#endif

uint64_t leaf_match(const struct pmd_leaf *leaf, uint64_t hash)
{
    uint64_t low = hash & ((UINT64_C(1) << LEAF_HASH_LOW_BITS) - 1),
             high = (hash & LEAF_HASH_MASK) >> LEAF_HASH_LOW_BITS;
    uint64_t candidates = 0, found = 0;

    for (uint32_t lines = leaf_probe(leaf, hash); lines != 0; lines &= lines - 1) {
        uint32_t line = (uint32_t)__builtin_ctz(lines);

        candidates |= match_line(leaf, line, low) << line * PM_LEAF_LINE_ENTRIES;
    }
    for (candidates &= leaf->used; candidates != 0; candidates &= candidates - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(candidates);

        if ((leaf_entry(leaf, slot).hash_key & 0xfff) == high)
            found |= UINT64_C(1) << slot;
    }
    return found;
}

uint64_t leaf_slice_widened(const struct pmd_leaf *leaf, uint64_t slice, uint32_t prefix_len)
{
    uint32_t gap = leaf->prefix_len - prefix_len;
    uint64_t front = bytes_slice(leaf_prefix(leaf) + prefix_len, gap);

    if (gap >= LEAF_SLICE_BYTES)
        return front & LEAF_SLICE_MASK;
    return (front | slice >> 8 * gap) & LEAF_SLICE_MASK;
}

void leaf_shorten_prefix(struct pmd_leaf *leaf, uint32_t prefix_len)
{
    const uint8_t *prefix = leaf_prefix(leaf);

    must(prefix_len <= leaf->prefix_len);
    if (prefix_len == leaf->prefix_len)
        return;
    for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left);
        struct pmd_leaf_entry entry = leaf_entry(leaf, slot);

        leaf_set_entry(
            leaf, slot,
            entry_make(entry_loc(entry), entry_hash(entry), leaf_slice_widened(leaf, entry_slice(entry), prefix_len)));
    }
    memmove(leaf->area + PM_LEAF_AREA - leaf_low_bytes(leaf) - prefix_len, prefix, prefix_len);
    leaf->prefix_len = (uint8_t)prefix_len;
}

void leaf_set_prefix(struct pmd_leaf *leaf, const struct index_key *key, uint32_t prefix_len)
{
    must(prefix_len <= PM_LEAF_KEY_BYTES_MAX && leaf->used == 0);
    leaf->passed = 0; /* a longer prefix leaves less room: what lies where is decided anew */
    leaf->prefix_len = (uint8_t)prefix_len;
    index_key_copy(key, prefix_len, leaf->area + PM_LEAF_AREA - leaf_low_bytes(leaf) - prefix_len);
}

uint8_t leaf_entry_db(const struct pmd_leaf *leaf, struct pmd_leaf_entry entry)
{
    return leaf->prefix_len != 0 ? leaf_prefix(leaf)[0] : (uint8_t)(entry.hash_key >> 56);
}

void leaf_write(struct pm_context *context, struct pmd_leaf *to, const struct pmd_leaf *from)
{
    const uint8_t *bytes = (const uint8_t *)from;

    for (size_t i = 0; i < PM_LEAF_BYTES / 8; i++) {
        uint64_t word;

        memcpy(&word, bytes + 8 * i, 8);
        pm_store_word(context, (uint64_t *)to + i, word);
    }
    pm_flush(context, PM_SITE_NEW_LEAF_FLUSH, to, PM_LEAF_BYTES);
}

static bool add_to_sum(const struct pool *pool, uint64_t number, struct pmd_leaf *copy, uint64_t *sum)
{
    const uint8_t *bytes = (const uint8_t *)copy;

    if (number == 0 || number >= pool->pm->bytes / PM_LEAF_BYTES)
        return false;
    media_copy(copy, pool_at(pool, number * PM_LEAF_BYTES), sizeof *copy);
    *sum = hash64(bytes + sizeof(uint64_t), offsetof(struct pmd_leaf, tower) - sizeof(uint64_t), *sum);
    *sum = hash64(copy->area, sizeof copy->area, *sum);
    return true;
}

bool leaf_new_sum(const struct pool *pool, uint64_t number, uint64_t *sum)
{
    struct pmd_leaf leaf, block;
    uint64_t next;

    *sum = number;
    if (!add_to_sum(pool, number, &leaf, sum))
        return false;
    if (leaf.low_spill == 0)
        return true;
    next = leaf.low_spill;
    for (uint32_t left = leaf.low_full_len != 0 ? leaf.low_full_len : INDEX_KEY_BYTES_MAX; left != 0;
         left -= left < PM_LEAF_AREA ? left : PM_LEAF_AREA, next = block.next)
        if (!add_to_sum(pool, next, &block, sum))
            return false;
    return true;
}

/* ---- fences ---- */

static enum pm_status fence_read_spilled(const struct pool *pool, const struct pmd_leaf *leaf, struct fence *out)
{
    uint64_t number = leaf->low_spill;
    uint32_t full = leaf_low_len(leaf);

    if (out->heap == NULL)
        out->heap = malloc(INDEX_KEY_BYTES_MAX);
    if (out->heap == NULL)
        return PM_NO_MEMORY;
    for (out->len = 0; out->len < full;) {
        struct pmd_leaf block;
        uint32_t piece = full - out->len < PM_LEAF_AREA ? full - out->len : PM_LEAF_AREA;

        if (number == 0 || number >= pool->pm->bytes / PM_LEAF_BYTES)
            return PM_DAMAGED;
        media_copy(&block, pool_at(pool, number * PM_LEAF_BYTES), sizeof block);
        if (block.state != PMD_LEAF_SPILL || block.used != piece)
            return PM_DAMAGED;
        memcpy(out->heap + out->len, block.area, piece);
        out->len += piece;
        number = block.next;
    }
    out->bytes = out->heap;
    return PM_OK;
}

enum pm_status fence_read(const struct pool *pool, const struct pmd_leaf *leaf, struct fence *out)
{
    if (leaf->low_len == LEAF_LOW_SPILLED)
        return fence_read_spilled(pool, leaf, out);
    out->len = leaf->low_len;
    memcpy(out->small, leaf_low(leaf), out->len);
    out->bytes = out->small;
    return PM_OK;
}

void fence_free(struct fence *fence)
{
    free(fence->heap);
    fence->heap = NULL;
}
