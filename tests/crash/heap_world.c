/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scenario's operations, its scheduler, and the model that goes along.
 */
#include "tests/crash/heap_world.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/assert.h"

enum { VALUE_MAX = 20000 };

uint64_t world_draw(struct world *world, uint64_t below)
{
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (world->random >> 33) % below;
}

/* ---- keys, values, digests ---- */

static uint32_t key_text(uint32_t number, char *text)
{
    /* Two families with long common prefixes, and one key that is longer than a leaf's prefix may be. */
    if (number == 0)
        return (uint32_t)sprintf(text, "long:%0250d", 7);
    return (uint32_t)sprintf(text, number % 2 ? "user:profile:%09u" : "key:%012u", number);
}

static void make_key(const struct heap *heap, uint32_t slot, struct index_key *key, char *text)
{
    heap_key(heap, key, (uint8_t)(slot / KEYS), text, key_text(slot % KEYS, text));
}

static uint64_t digest(const void *value, size_t len, uint32_t client_flags, uint64_t expire_at_ms)
{
    uint64_t sum = XXH3_64bits_withSeed(value, len, client_flags + expire_at_ms * 31);

    return sum ? sum : 1;
}

uint64_t world_observe(struct heap_worker *worker, uint32_t slot)
{
    struct index_key key;
    struct object object;
    char text[300];

    make_key(worker->heap, slot, &key, text);
    if (!heap_peek(worker, &key, &object))
        return 0;
    return digest(object.value, object.value_len, object.client_flags, object.expire_at_ms);
}

/* ---- operations ---- */

static enum heap_reserve reserve(struct world *world, struct heap_worker *worker, uint32_t records, bool deletes)
{
    return heap_reserve(worker, records * heap_bytes(300, deletes ? 0 : world->variant->value_max), records, deletes);
}

static void change(struct world *world, struct heap_worker *worker, uint32_t slot, bool delete)
{
    static uint8_t value[VALUE_MAX];
    struct index_key key;
    struct heap_edit edit;
    char text[300];
    struct log_part part = {value, world_draw(world, 3) ? world_draw(world, world->variant->value_max)
                                                        : world_draw(world, 100)};
    struct heap_put put = {.parts = &part, .part_count = 1};

    make_key(world->heap, slot, &key, text);
    heap_edit_begin(worker, &key, &edit);
    if (delete) {
        world->state[world->issued][slot] = 0;
        heap_edit_delete(&edit);
    } else {
        memset(value, (int)world_draw(world, 256), part.bytes);
        memcpy(value, &world->random, part.bytes < 8 ? part.bytes : 8);
        put.client_flags = world_draw(world, 3) ? 0 : (uint32_t)world_draw(world, 1000);
        put.expire_at_ms = world_draw(world, 4) ? 0 : UINT64_C(99999999999999);
        /* Before: a crash point inside may show a record that is flushed ahead. */
        world->state[world->issued][slot] = digest(value, part.bytes, put.client_flags, put.expire_at_ms);
        heap_edit_put(&edit, &put);
    }
    heap_edit_end(&edit);
}

/* The next operation begins: its state starts as the one before. */
static void issue(struct world *world)
{
    must(world->issued < OPERATIONS_MAX);
    memcpy(world->state[world->issued + 1], world->state[world->issued], sizeof(world->state[0]));
    world->issued++;
}

static void transaction(struct world *world, struct heap_worker *worker)
{
    struct index_key keys[4];
    char texts[4][300];
    uint32_t slots[4], count = 2 + (uint32_t)world_draw(world, 3);

    if (reserve(world, worker, count, false) != HEAP_RESERVED)
        return;
    issue(world);
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = (uint32_t)world_draw(world, SLOTS);
        make_key(world->heap, slots[i], &keys[i], texts[i]);
    }
    must(heap_transaction_begin(worker, keys, count));
    for (uint32_t i = 0; i < count; i++)
        change(world, worker, slots[i], world_draw(world, 4) == 0);
    heap_transaction_commit(worker);
}

static void flush_some(struct world *world, struct heap_worker *worker)
{
    uint32_t databases = 1 + (uint32_t)world_draw(world, 3);

    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (databases >> (slot / KEYS) & 1)
            world->state[world->issued][slot] = 0;
    must(heap_flush(worker, databases, 0) == PM_OK);
}

static void flush(struct world *world, struct heap_worker *worker)
{
    if (heap_reserve(worker, heap_flush_bytes(), 1, true) != HEAP_RESERVED)
        return;
    issue(world);
    flush_some(world, worker);
}

/* What an EXEC with a flush between writes does. */
static void flush_between(struct world *world, struct heap_worker *worker)
{
    if (reserve(world, worker, 5, false) != HEAP_RESERVED)
        return;
    issue(world);
    must(heap_exclusive_begin(worker) == PM_OK);
    must(heap_transaction_begin(worker, NULL, 0));
    for (int i = 0; i < 2; i++)
        change(world, worker, (uint32_t)world_draw(world, SLOTS), world_draw(world, 4) == 0);
    flush_some(world, worker);
    for (int i = 0; i < 2; i++)
        change(world, worker, (uint32_t)world_draw(world, SLOTS), world_draw(world, 4) == 0);
    heap_transaction_commit(worker);
    heap_exclusive_end(worker);
}

static void operation(struct world *world, struct heap_worker *worker)
{
    uint64_t what = world_draw(world, 100);
    bool delete = what < 15;

    if (what >= 98) {
        flush_between(world, worker);
    } else if (what >= 96) {
        flush(world, worker);
    } else if (what >= 85) {
        transaction(world, worker);
    } else if (reserve(world, worker, 1, delete) == HEAP_RESERVED) {
        issue(world);
        change(world, worker, (uint32_t)world_draw(world, SLOTS), delete);
    }
}

static void turn(struct world *world)
{
    struct heap_worker *worker = heap_worker(world->heap, 0);
    uint64_t wait_epoch, count = 1 + world_draw(world, 3);

    heap_turn_begin(worker, 1000);
    for (uint64_t i = 0; i < count; i++)
        operation(world, worker);
    if (world_draw(world, 3) == 0) { /* reads make objects worth keeping */
        struct index_key key;
        struct object object;
        char text[300];

        make_key(world->heap, (uint32_t)world_draw(world, SLOTS), &key, text);
        (void)heap_get(worker, &key, &object);
    }
    must(heap_turn_end(worker, &wait_epoch) == PM_OK);
    for (uint32_t j = world->closed + 1; j <= world->issued; j++)
        world->epoch[j] = log_highest_epoch(world->heap->log);
    world->closed = world->issued;
}

/* ---- the other actors ---- */

/* What was evicted is gone durably by now, and was at or below W, so in each state that a crash may still show. */
static void note_evicted(struct world *world)
{
    struct heap_worker *worker = heap_worker(world->heap, 0);
    uint64_t wait_epoch;

    if (world->variant->eviction == HEAP_EVICTION_NONE)
        return;
    heap_turn_begin(worker, 1000);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (world->state[world->issued][slot] && !world_observe(worker, slot))
            for (uint32_t j = world->synced; j <= world->issued; j++)
                world->state[j][slot] = 0;
    must(heap_turn_end(worker, &wait_epoch) == PM_OK);
}

static void maintain(struct world *world, uint64_t steps)
{
    world->maintaining = true;
    for (uint64_t i = 0; i < steps; i++)
        (void)heap_maintain_step(world->heap, world->now_us += 700);
    world->maintaining = false;
    note_evicted(world);
}

static void sync_some(struct world *world)
{
    if (world->heap->mode != PMD_COMMIT_EPOCH)
        return;
    (void)log_sync_step(world->heap->log, &world->heap->sync_context);
    while (world->synced < world->closed && world->epoch[world->synced + 1] <= heap_synced_epoch(world->heap))
        world->synced++;
}

void world_options(const struct variant *variant, struct pm *pm, struct heap_options *options)
{
    *options = (struct heap_options){
        .pool_bytes = (uint64_t)variant->segments << SEGMENT_BITS,
        .segment_bits = SEGMENT_BITS,
        .workers = 1,
        .durability = variant->durability,
        .eviction = variant->eviction,
        .sync_interval_ms = 1,
        .tail_records = 48,
        .pm = pm,
        .hash_seed = 12345,
    };
}

void world_play(struct world *world, uint32_t operations)
{
    uint32_t stalled = 0;

    while (world->issued + 8 < operations && stalled < 2000) {
        uint32_t before = world->issued;

        turn(world);
        if (world_draw(world, 2))
            maintain(world, 1 + world_draw(world, 4));
        if (world_draw(world, 3) == 0)
            sync_some(world);
        if (world_draw(world, 4) == 0)
            (void)heap_fill_run_step(world->heap);
        stalled = world->issued == before ? stalled + 1 : 0;
    }
}
