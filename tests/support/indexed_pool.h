/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A real pool with an ordered index, over any mapping, and records laid by hand in survivor segments: what a test of
 * the filler or of the expiry sweep begins with. Object `number` has the key "user:profile:%09d" in database number % 3.
 */
#ifndef HEARTH_TESTS_SUPPORT_INDEXED_POOL_H
#define HEARTH_TESTS_SUPPORT_INDEXED_POOL_H

#include <stdio.h>

#include "base/assert.h"
#include "heap/hash_index.h"
#include "persist/record.h"
#include "persist/skiplist.h"

enum { OBJECT_KEY_LEN = 22 };

struct indexed_pool {
    struct pool *pool;
    struct pm_context context;
    struct epochs epochs;
    struct epoch_pin *pin; /* the writer's */
    struct skiplist *skiplist;
    struct hash_index *index;
    uint32_t segment, pos; /* open survivor segment; 0: none */
};

struct object_key {
    struct index_key key;
    char text[OBJECT_KEY_LEN + 1];
};
static inline void object_key(const struct indexed_pool *world, struct object_key *key, uint64_t object)
{
    snprintf(key->text, sizeof key->text, "user:profile:%09llu", (unsigned long long)(object % 1000000000));
    key->key =
        (struct index_key){.db = (uint8_t)(object % 3), .data = (const uint8_t *)key->text, .len = OBJECT_KEY_LEN};
    key->key.hash = key_hash(world->pool->hash_seed, key->key.db, key->key.data, key->key.len);
}

static inline void indexed_pool_open(struct indexed_pool *world, struct pm *pm, uint32_t segment_bits)
{
    const uint64_t none[PM_DATABASES] = {0};
    struct pool_create create = {.bytes = pm->bytes, .segment_bits = segment_bits, .format_head = skiplist_format_head};

    *world = (struct indexed_pool){.segment = 0};
    pm_context_init(&world->context, pm);
    must(pool_open(&world->pool, pm, &create) == PM_OK);
    must(pool_space_start(world->pool) == PM_OK);
    epochs_init(&world->epochs, 1000, 1 << 20);
    world->pin = epoch_pin_new(&world->epochs);
    must(skiplist_open(&world->skiplist, world->pool, &world->epochs, 0, none, none) == PM_OK);
    must(skiplist_build_directory(world->skiplist) == PM_OK);
    must(hash_index_open(&world->index, world->pool, 0, pm->bytes / 32));
}

static inline void indexed_pool_close(struct indexed_pool *world)
{
    hash_index_close(world->index);
    skiplist_close(world->skiplist);
    pool_close(world->pool);
}

static inline void seal(struct indexed_pool *world)
{
    if (world->segment)
        pool_set_segment(world->pool, &world->context, world->segment, PMD_SEGMENT_SURVIVOR, world->pos,
                         PM_SITE_SEGMENT_INDEXED_FLUSH);
    world->segment = 0;
}

/* A record of 64 bytes or so. expire_at_ms 0: none. */
static inline pm_loc append(struct indexed_pool *world, uint64_t object, enum pmd_record_kind kind, uint64_t cts,
                            uint64_t expire_at_ms)
{
    union {
        struct pmd_record record;
        uint8_t bytes[128];
    } built = {.record = {.kind = (uint8_t)kind, .key_len = OBJECT_KEY_LEN, .cts = cts}};
    struct object_key key;
    uint32_t len = sizeof(struct pmd_record), bytes;
    pm_off off;

    object_key(world, &key, object);
    built.record.flags = PMD_LAST | (expire_at_ms ? PMD_HAS_EXPIRY : 0);
    built.record.db = key.key.db;
    if (expire_at_ms) {
        memcpy(built.bytes + len, &expire_at_ms, sizeof expire_at_ms);
        len += sizeof expire_at_ms;
    }
    memcpy(built.bytes + len, key.text, OBJECT_KEY_LEN);
    len += OBJECT_KEY_LEN;
    bytes = (uint32_t)record_bytes(built.record.flags, OBJECT_KEY_LEN, 0);
    if (!world->segment || world->pos + bytes > world->pool->segment_bytes) {
        seal(world);
        must(pool_take_free(world->pool, &world->context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR, &world->segment) ==
             PM_OK);
        world->pos = 0;
    }
    off = pool_segment_off(world->pool, world->segment) + world->pos;
    built.record.checksum = record_checksum(world->pool, off, &built.record, len, 0);
    pm_store(&world->context, pool_at(world->pool, off), built.bytes, bytes);
    world->pos += bytes;
    world->pool->segments[world->segment].record_count++;
    return off / PM_UNIT;
}

/* Applies all; the ops are sorted in place. */
static inline void apply(struct indexed_pool *world, struct index_op *ops, size_t count)
{
    size_t applied = 0;

    index_ops_sort(ops, count);
    must(skiplist_apply(world->skiplist, &world->context, ops, count, 1, &applied) == PM_OK);
    must(applied == count);
}

/* The record becomes the key's indexed version. */
static inline struct index_op put_op(struct object_key *key, pm_loc loc)
{
    return (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = loc};
}

#endif
