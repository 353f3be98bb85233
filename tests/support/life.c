/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One life of pool and log, for tests.
 */
#include "tests/support/life.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum { KEY_LEN = 12, VALUE_MAX = 40 * 1024 };

static pthread_mutex_t items_lock = PTHREAD_MUTEX_INITIALIZER;

struct pm *life_sim(enum pm_sim_mode mode)
{
    struct pm *pm;
    enum pm_status status = pm_sim_open(&pm, (size_t)LIFE_SEGMENTS << PM_SEGMENT_BITS_MIN, mode);

    must(status == PM_OK);
    pm_sim_keep(pm);
    return pm;
}

/* ---- records ---- */

static void make_key(uint32_t number, char key[KEY_LEN + 1])
{
    snprintf(key, KEY_LEN + 1, "key:%08u", (unsigned)(number % 100000000));
}

uint32_t life_record_bytes(uint32_t value_bytes)
{
    return (uint32_t)record_bytes(PMD_LAST, KEY_LEN, value_bytes);
}

void life_item_of(const struct log_item *from, struct life_item *item)
{
    const struct pmd_record *header = from->view.header;

    *item = (struct life_item){
        .cts = header->cts, .value_bytes = header->value_len, .kind = header->kind, .sound = true, .loc = from->loc};
    must(header->key_len == KEY_LEN);
    for (uint32_t i = 4; i < KEY_LEN; i++)
        item->key = item->key * 10 + (uint32_t)(from->view.key[i] - '0');
    for (uint32_t i = 0; i < header->value_len; i++)
        item->sound &= from->view.value[i] == (uint8_t)item->key;
}

pm_loc life_append(struct life *life, uint32_t writer, const struct life_item *item, bool in_transaction)
{
    static uint8_t value[VALUE_MAX];
    char key[KEY_LEN + 1];
    /* Of even keys in two pieces, as gathered values come. */
    uint32_t first = item->key % 2 == 0 ? item->value_bytes / 3 : item->value_bytes;
    struct log_part parts[2] = {{value, first}, {value, item->value_bytes - first}};
    struct log_record record = {
        .kind = item->kind,
        .in_transaction = in_transaction,
        .cts = item->cts,
        .key = (const uint8_t *)key,
        .key_len = KEY_LEN,
        .parts = parts,
        .part_count = item->key % 2 == 0 ? 2 : 1,
    };

    must(item->value_bytes <= VALUE_MAX);
    make_key(item->key, key);
    memset(value, (uint8_t)item->key, item->value_bytes);
    return log_append(log_writer(life->log, writer), &record);
}

pm_loc life_put(struct life *life, uint32_t writer, uint32_t key, uint32_t value_bytes)
{
    struct log_writer *log = log_writer(life->log, writer);
    struct life_item item = {.key = key, .value_bytes = value_bytes, .kind = PMD_RECORD_FULL};

    must(log_reserve(log, SPACE_USER, life_record_bytes(value_bytes), 1) == PM_OK);
    item.cts = log_draw_cts(log, 0);
    return life_append(life, writer, &item, false);
}

pm_loc life_put_turn(struct life *life, uint32_t writer, uint32_t key, uint32_t value_bytes)
{
    struct log_writer *log = log_writer(life->log, writer);
    enum pm_status status;
    pm_loc loc;

    log_turn_begin(log);
    loc = life_put(life, writer, key, value_bytes);
    status = log_turn_close(log);
    must(status == PM_OK);
    return loc;
}

/* ---- life ---- */

static void collect(const struct log_item *item, void *context)
{
    struct life *life = context;

    pthread_mutex_lock(&items_lock);
    must(life->item_count < LIFE_ITEMS_MAX);
    life_item_of(item, &life->items[life->item_count++]);
    pthread_mutex_unlock(&items_lock);
}

void life_make_ready(struct life *life)
{
    while (pool_space_step(life->pool, &life->context, life->options.ready ? life->options.ready : 4))
        ;
}

static enum pm_status open_log(struct life *life)
{
    struct log_options options = {.mode = life->options.mode, .writers = LIFE_WRITERS};
    enum pm_status status = pool_space_start(life->pool);

    if (status != PM_OK)
        return status;
    epochs_init(&life->epochs, life->recovery.first_epoch, life->pool->superblock.epoch_lease);
    status = log_open(&life->log, life->pool, &life->epochs, &options);
    if (status != PM_OK)
        return status;
    for (uint32_t i = 0; i < life->recovery.segment_count; i++)
        log_add_recovered(life->log, life->recovery.segments[i].segment, life->recovery.segments[i].from,
                          life->recovery.segments[i].to);
    life_make_ready(life);
    return PM_OK;
}

enum pm_status life_begin(struct life *life, struct pm *pm, const struct life_options *options)
{
    struct pool_create create = {.bytes = pm->bytes, .segment_bits = PM_SEGMENT_BITS_MIN, .hash_seed = 42};
    struct recovery_options recovery = {
        .mode = options->mode,
        .threads = options->threads ? options->threads : 1,
        .accept_clock = options->accept_clock,
        .read_only = options->read_only,
    };
    enum pm_status status;

    *life = (struct life){.pm = pm, .options = *options};
    pm_context_init(&life->context, pm);
    status = pool_open(&life->pool, pm, &create);
    if (status != PM_OK)
        return status;
    status = recovery_run(life->pool, &recovery, collect, life, &life->recovery);
    if (status == PM_OK && !options->read_only)
        status = open_log(life);
    if (status != PM_OK)
        life_end(life);
    return status;
}

void life_end(struct life *life)
{
    log_close(life->log);
    life->log = NULL;
    recovery_free(&life->recovery);
    pool_close(life->pool);
    life->pool = NULL;
}
