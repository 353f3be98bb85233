/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The expiry sweep's pace, and its look at the records.
 */
#include "heap/expire.h"

#include "base/assert.h"

enum {
    PASS_S = 20,                   /* a pass over a table that is not huge */
    BUCKETS_A_SECOND_MAX = 100000, /* 0.7 M objects at about 150 ns */
    BUCKETS_A_SECOND_MIN = 1000,
    MANY_FACTOR = 4,   /* faster by so much while it pays */
    IDLE_US = 1000000, /* longer pauses are not made up for */
    BUCKETS_A_CALL = 1024,
    BUCKETS_A_GROUP = 8,
    GROUP_WORDS = EXPIRE_OPS_MIN,
};

/* The words of some buckets, whose records are on their way. */
struct group {
    struct expire *expire;
    const struct expire_tick *tick;
    struct index_op *ops;
    uint32_t op_count, cap;
    uint32_t word_count;
    uint64_t words[GROUP_WORDS];
};

void expire_init(struct expire *expire, const struct pool *pool, const struct hash_index *index)
{
    *expire = (struct expire){.pool = pool, .index = index};
}

/* ---- looking at records ---- */

static bool has_expired(const struct pmd_record *record, uint64_t now_ms)
{
    uint64_t expire_at_ms;

    if (record->kind != PMD_RECORD_FULL || !(record->flags & PMD_HAS_EXPIRY))
        return false;
    memcpy(&expire_at_ms, record + 1, sizeof expire_at_ms);
    return expire_at_ms <= now_ms;
}

static void look_at(struct group *group, uint64_t word)
{
    struct expire *expire = group->expire;
    const struct pmd_record *record = record_at(expire->pool, hash_slot_loc(word));
    struct index_op *op;

    /* Marked: a transaction is publishing this key, so the record is as good as history. */
    if (!has_expired(record, group->tick->now_ms) || (word & HASH_SLOT_MARK) ||
        cts_epoch(record->cts) > group->tick->w || group->op_count == group->cap)
        return;
    if (!record_is_whole(expire->pool, hash_slot_loc(word)))
        return; /* whoever reads the object next reports it */
    op = &group->ops[group->op_count++];
    *op = (struct index_op){.kind = INDEX_REMOVE_IF, .old_loc = hash_slot_loc(word)};
    op->key = (struct index_key){.db = record->db, .data = record_key(record), .len = record->key_len};
    op->key.hash = key_hash(expire->pool->hash_seed, op->key.db, op->key.data, op->key.len);
}

static void look_at_group(struct group *group)
{
    uint32_t before = group->op_count;

    for (uint32_t i = 0; i < group->word_count; i++)
        look_at(group, group->words[i]);
    group->expire->looked_at += group->word_count;
    group->expire->found += group->op_count - before;
    group->word_count = 0;
}

static void gather(uint64_t word, void *context)
{
    struct group *group = context;

    if (group->word_count == GROUP_WORDS)
        look_at_group(group);
    group->words[group->word_count++] = word;
}

/* False: a pass has ended. */
static bool sweep_group(struct group *group, uint32_t buckets)
{
    struct expire *expire = group->expire;

    do
        expire->cursor = hash_index_scan(expire->index, expire->cursor, gather, group);
    while (expire->cursor && --buckets);
    look_at_group(group);
    return expire->cursor != 0;
}

/* ---- the pace ---- */

static uint64_t buckets_a_second(const struct expire *expire)
{
    struct hash_index_stats stats;
    uint64_t rate;

    hash_index_stats(expire->index, &stats);
    rate = stats.buckets / PASS_S;
    rate = rate < BUCKETS_A_SECOND_MIN ? BUCKETS_A_SECOND_MIN : rate;
    rate = rate > BUCKETS_A_SECOND_MAX ? BUCKETS_A_SECOND_MAX : rate;
    return rate * (expire->many ? MANY_FACTOR : 1);
}

uint64_t expire_pause_us(const struct expire *expire)
{
    return expire->rests ? UINT64_MAX : (uint64_t)BUCKETS_A_CALL * 1000000 / buckets_a_second(expire);
}

/* Buckets due since the last call; time that makes no whole bucket is kept, time of rest is not. */
static uint32_t buckets_due(struct expire *expire, uint64_t now_us)
{
    uint64_t rate, due, elapsed_us = now_us - expire->last_us;

    if (elapsed_us < EXPIRE_TICK_US)
        return 0;
    if (elapsed_us > IDLE_US) {
        elapsed_us = IDLE_US;
        expire->last_us = now_us - IDLE_US;
    }
    rate = buckets_a_second(expire);
    due = elapsed_us * rate / 1000000;
    if (due > BUCKETS_A_CALL) {
        due = BUCKETS_A_CALL;
        expire->last_us = now_us;
    } else {
        expire->last_us += due * 1000000 / rate;
    }
    return (uint32_t)due;
}

uint32_t expire_collect(struct expire *expire, const struct expire_tick *tick, struct index_op *ops, uint32_t cap)
{
    struct group group = {.expire = expire, .tick = tick, .ops = ops, .cap = cap};
    uint64_t looked_at = expire->looked_at, found = expire->found;
    uint32_t due;

    must(cap >= EXPIRE_OPS_MIN);
    expire->rests = tick->expires == 0;
    if (expire->rests) {
        expire->last_us = tick->now_us;
        return 0;
    }
    due = buckets_due(expire, tick->now_us);
    while (due && cap - group.op_count >= GROUP_WORDS) {
        uint32_t buckets = due < BUCKETS_A_GROUP ? due : BUCKETS_A_GROUP;

        due -= buckets;
        if (!sweep_group(&group, buckets)) {
            expire->passes++; /* and the call ends, so that no key is given twice */
            break;
        }
    }
    /* What was due and not done, for want of room, is forgone: the next calls come soon when there is so much to do. */
    if (expire->looked_at - looked_at >= BUCKETS_A_GROUP)
        expire->many = (expire->found - found) * 4 > expire->looked_at - looked_at;
    return group.op_count;
}
