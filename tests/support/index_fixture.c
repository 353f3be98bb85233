/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ordered index over a pool, its records, and the model.
 */
#include "tests/support/index_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "persist/index_key.h"

enum { EPOCH_FIRST = 10, EPOCH_LIMIT = 1 << 30 };

uint64_t fixture_random(struct fixture *fixture)
{
    uint64_t z = fixture->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool open_index(struct fixture *fixture)
{
    struct journal_state state;
    enum pm_status status;

    pm_context_init(&fixture->context, fixture->pm);
    pm_context_init(&fixture->record_context, fixture->pm);
    epochs_init(&fixture->epochs, EPOCH_FIRST, EPOCH_LIMIT);
    status =
        journal_recover(fixture->pool, &fixture->context, fixture->pool->superblock.journal_applied, false, &state);
    if (status == PM_OK)
        status = pool_space_start(fixture->pool);
    if (status == PM_OK)
        status =
            skiplist_open(&fixture->skiplist, fixture->pool, &fixture->epochs, state.batch, state.keys, state.expires);
    fixture->record_segment = 0;
    if (status != PM_OK)
        fprintf(stderr, "the index does not open: %s\n", pm_status_text(status));
    return status == PM_OK;
}

static void create(struct fixture *fixture, struct pm *pm, uint32_t segment_bits)
{
    const struct pool_create create = {
        .bytes = pm->bytes, .segment_bits = segment_bits, .format_head = skiplist_format_head};

    fixture->pm = pm;
    fixture->random = 1;
    must(pool_open(&fixture->pool, pm, &create) == PM_OK);
    must(open_index(fixture));
}

void fixture_open_sim(struct fixture *fixture, uint64_t segments, uint32_t segment_bits, enum pm_sim_mode mode)
{
    struct pm *pm;

    memset(fixture, 0, sizeof *fixture);
    must(pm_sim_open(&pm, segments << segment_bits, mode) == PM_OK);
    create(fixture, pm, segment_bits);
}

void fixture_open_mapped(struct fixture *fixture, uint64_t bytes)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    char path[64];
    struct pm *pm;

    memset(fixture, 0, sizeof *fixture);
    snprintf(path, sizeof path, "%s/hearth-check-index-%d", folder, (int)getpid());
    must(pm_open(&pm, path, bytes, true) == PM_OK);
    must(unlink(path) == 0);
    create(fixture, pm, PM_SEGMENT_BITS_DEFAULT);
}

bool fixture_recover(struct fixture *fixture, struct pm *pm)
{
    const struct pool_create existing = {0};
    enum pm_status status;

    memset(fixture, 0, sizeof *fixture);
    fixture->pm = pm;
    status = pool_open(&fixture->pool, pm, &existing);
    if (status != PM_OK)
        fprintf(stderr, "the pool does not open: %s\n", pm_status_text(status));
    return status == PM_OK && open_index(fixture);
}

void fixture_close(struct fixture *fixture)
{
    skiplist_close(fixture->skiplist);
    pool_close(fixture->pool);
}

pm_loc fixture_record(struct fixture *fixture, const struct index_key *key, bool expires)
{
    uint8_t flags = PMD_LAST | (expires ? PMD_HAS_EXPIRY : 0);
    uint32_t bytes = (uint32_t)record_bytes(flags, key->len, 0);
    struct pmd_record header = {.kind = PMD_RECORD_FULL, .flags = flags, .key_len = (uint16_t)key->len, .db = key->db};
    uint64_t expire_at_ms = 1;
    pm_off off;

    if (fixture->record_segment == 0 || fixture->record_end + bytes > fixture->pool->segment_bytes) {
        if (pool_take_free(fixture->pool, &fixture->record_context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR,
                           &fixture->record_segment) != PM_OK)
            return 0;
        fixture->record_end = 0;
    }
    off = pool_segment_off(fixture->pool, fixture->record_segment) + fixture->record_end;
    fixture->record_end += bytes;
    pm_store(&fixture->record_context, pool_at(fixture->pool, off), &header, sizeof header);
    if (expires)
        pm_store(&fixture->record_context, pool_at(fixture->pool, off) + sizeof header, &expire_at_ms, 8);
    pm_store(&fixture->record_context, pool_at(fixture->pool, off) + sizeof header + (expires ? 8 : 0), key->data,
             key->len);
    pm_flush(&fixture->record_context, PM_SITE_SURVIVOR_FLUSH, pool_at(fixture->pool, off), bytes);
    must(pm_drain(&fixture->record_context, PM_SITE_SURVIVOR_DRAIN) == PM_OK);
    return off / PM_UNIT;
}

/* ---- the universe ---- */

static void add_key(struct model *model, struct fixture *fixture, uint8_t db, const void *data, size_t len)
{
    struct model_key *key = &model->keys[model->count++];

    must(model->arena_end + len <= model->arena_bytes);
    memset(key, 0, sizeof *key);
    memcpy(model->arena + model->arena_end, data, len);
    key->key = (struct index_key){.db = db, .data = model->arena + model->arena_end, .len = (uint32_t)len};
    key->key.hash = key_hash(fixture->pool->hash_seed, db, data, len);
    model->arena_end += len;
}

static int compare_keys(const void *a, const void *b)
{
    return index_key_compare(&((const struct model_key *)a)->key, &((const struct model_key *)b)->key);
}

/* Numbers under long common prefixes, keys that are prefixes of others, zero bytes, other databases. */
static void add_shaped(struct model *model, struct fixture *fixture, enum model_shape shape)
{
    uint64_t random = fixture_random(fixture), pick = shape == MODEL_PLAIN   ? 0
                                                      : shape == MODEL_ZEROS ? 8
                                                                             : random >> 32 & 7;
    uint8_t db = shape == MODEL_PLAIN || (random >> 40 & 3) != 0 ? 0 : (uint8_t)(random >> 42 & 15);
    static uint8_t text[RECORD_KEY_MAX];
    size_t len;

    memset(text, 'x', 4096);
    switch (pick) {
    case 0:
    case 1:
        len = (size_t)sprintf((char *)text, "key:%012llu", (unsigned long long)(random % 1000000));
        break;
    case 2:
        len = (size_t)sprintf((char *)text, "user:profile:%09llu", (unsigned long long)(random % 10000));
        break;
    case 3: /* zeros and lengths */
        len = random % 12;
        memset(text, 0, len);
        if (len != 0 && (random >> 20 & 1) != 0)
            text[len - 1] = (uint8_t)(random >> 21 & 3);
        break;
    case 4: /* bytes */
        len = random % 9;
        memcpy(text, &random, 8);
        break;
    case 5: /* more than 200 common bytes */
        len = 210 + (size_t)sprintf((char *)text + 210, "%llu", (unsigned long long)(random % 500));
        break;
    case 6: /* around the limits of prefix and fence */
        len = 120 + random % 16;
        text[len] = (uint8_t)('a' + (random >> 16) % 20);
        len++;
        break;
    case 8: /* zeros, with something else here and there */
        len = 1 + random % 24;
        memset(text, 0, len);
        text[random >> 8 & 15] = (uint8_t)(random >> 12 & 1);
        text[random >> 16 & 15] = (uint8_t)(random >> 20 & 3);
        break;
    default:
        len = shape == MODEL_LONG ? 900 + random % 3000 : 20 + random % 300;
        text[len - 1] = (uint8_t)(random >> 24);
    }
    add_key(model, fixture, db, text, len);
}

void model_init(struct model *model, struct fixture *fixture, size_t count, enum model_shape shape)
{
    size_t kept = 0;

    memset(model, 0, sizeof *model);
    model->keys = calloc(count, sizeof *model->keys);
    model->arena_bytes = count * (shape == MODEL_LONG ? 4096 : 400);
    model->arena = malloc(model->arena_bytes);
    must(model->keys != NULL);
    must(model->arena != NULL);
    while (model->count < count)
        add_shaped(model, fixture, shape);
    qsort(model->keys, count, sizeof *model->keys, compare_keys);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_keys(&model->keys[kept - 1], &model->keys[i]) != 0)
            model->keys[kept++] = model->keys[i];
    model->count = kept;
}

void model_free(struct model *model)
{
    free(model->keys);
    free(model->arena);
}

/* ---- operations ---- */

static bool draw_other(struct model_key *key, struct fixture *fixture, struct index_op *op, uint64_t random)
{
    switch (random % 4) {
    case 0:
    case 1:
        op->kind = INDEX_FORGET;
        key->loc = 0;
        return true;
    case 2:
        op->kind = INDEX_REMOVE_IF;
        op->old_loc = random >> 8 & 1 ? key->loc : key->loc + 1;
        if (key->loc != 0 && op->old_loc == key->loc)
            key->loc = 0;
        return true;
    default:
        op->kind = INDEX_SWITCH_IF;
        op->loc = fixture_record(fixture, &key->key, key->expires);
        op->old_loc = random >> 8 & 1 ? key->loc : key->loc + 1;
        if (key->loc != 0 && op->old_loc == key->loc)
            key->loc = op->loc;
        return op->loc != 0;
    }
}

size_t model_draw(struct model *model, struct fixture *fixture, struct index_op *ops, size_t count, size_t from,
                  size_t to, uint32_t puts)
{
    size_t drawn = 0, stride = (to - from) / count + 1;

    for (size_t i = from + fixture_random(fixture) % stride; i < to && drawn < count;
         i += 1 + fixture_random(fixture) % (2 * stride)) {
        struct model_key *key = &model->keys[i];
        struct index_op *op = &ops[drawn];
        uint64_t random = fixture_random(fixture);

        memset(op, 0, sizeof *op);
        op->key = key->key;
        if ((random & 0xff) >= puts) {
            drawn += draw_other(key, fixture, op, random >> 8);
            continue;
        }
        op->kind = INDEX_PUT;
        op->has_expiry = random >> 8 & 1;
        op->loc = fixture_record(fixture, &key->key, op->has_expiry);
        if (op->loc == 0)
            break;
        key->loc = op->loc;
        key->expires = op->has_expiry;
        drawn++;
    }
    return drawn;
}

void model_apply(struct model *model, struct fixture *fixture, struct index_op *ops, size_t count, uint64_t w)
{
    size_t applied;

    (void)model;
    must(skiplist_apply(fixture->skiplist, &fixture->context, ops, count, w, &applied) == PM_OK);
    must(applied == count);
    must(skiplist_durable_w(fixture->skiplist) == w);
    while (skiplist_step(fixture->skiplist, &fixture->context))
        ;
}

void model_drop(struct model *model, uint32_t databases)
{
    for (size_t i = 0; i < model->count; i++)
        if ((databases >> model->keys[i].key.db & 1) != 0)
            model->keys[i].loc = 0;
}

/* ---- comparing ---- */

static bool walk_matches(struct fixture *fixture, size_t expected)
{
    struct skiplist_walk walk;
    size_t found = 0;
    enum pm_status status = PM_OK;

    skiplist_walk_start(fixture->skiplist, &walk);
    while (!walk.done && status == PM_OK) {
        status = skiplist_walk_step(fixture->skiplist, &walk);
        for (uint32_t i = 0; i < walk.count; i++) {
            struct index_key key = index_key_of_record(record_at(fixture->pool, walk.entries[i].loc));
            uint64_t hash = key_hash(fixture->pool->hash_seed, key.db, key.data, key.len);

            if (((hash ^ walk.entries[i].hash_bits) & ((UINT64_C(1) << INDEX_HASH_BITS) - 1)) != 0) {
                fprintf(stderr, "the walk gives wrong hash bits\n");
                status = PM_DAMAGED;
            }
            found++;
        }
        if (status == PM_OK && (found & 1) != 0)
            status = skiplist_walk_resume(fixture->skiplist, &walk);
    }
    skiplist_walk_end(&walk);
    if (status != PM_OK || found != expected)
        fprintf(stderr, "the walk finds %zu keys, not %zu\n", found, expected);
    return status == PM_OK && found == expected;
}

bool model_matches(const struct model *model, struct fixture *fixture)
{
    size_t expected = 0;

    for (size_t i = 0; i < model->count; i++) {
        const struct model_key *key = &model->keys[i];
        pm_loc loc, writer_loc;

        expected += key->loc != 0;
        if (skiplist_lookup(fixture->skiplist, &key->key, &loc) != PM_OK ||
            skiplist_writer_lookup(fixture->skiplist, &key->key, &writer_loc) != PM_OK)
            return false;
        if (loc != key->loc || writer_loc != key->loc) {
            fprintf(stderr, "key %zu of %zu: loc %llu, the writer's %llu, expected %llu\n", i, model->count,
                    (unsigned long long)loc, (unsigned long long)writer_loc, (unsigned long long)key->loc);
            return false;
        }
    }
    return walk_matches(fixture, expected);
}
