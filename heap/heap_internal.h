/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the heap share.
 *
 * LOCK ORDER: exclusive section > stripe locks (ascending) > count_lock, damage.lock. Nobody waits for space, W, a grace
 * period or another worker's turn while holding a stripe lock (C7).
 */
#ifndef HEARTH_HEAP_HEAP_INTERNAL_H
#define HEARTH_HEAP_HEAP_INTERNAL_H

#include <pthread.h>

#include "heap/cleaner.h"
#include "heap/damage.h"
#include "heap/fill.h"
#include "heap/hash_index.h"
#include "heap/heap.h"
#include "heap/scrub.h"
#include "persist/index_writer.h"
#include "persist/recovery.h"

/* Counters of one thread: written by it alone, read by anyone (relaxed). */
struct heap_counts {
    _Alignas(64) _Atomic int64_t keys[PM_DATABASES];
    _Atomic int64_t expires[PM_DATABASES];
};

/* A write of the open transaction, not published yet. */
struct staged {
    uint64_t hash;
    pm_loc loc; /* newest record of the key in this transaction */
};

struct transaction {
    bool active;
    bool direct;      /* inside an exclusive section: edits are published at once */
    uint32_t records; /* appended so far */
    struct staged *staged;
    uint32_t staged_count, staged_cap;
    uint32_t *table; /* open addressing over staged, index + 1; a power of two */
    uint32_t table_size;
    uint64_t stripes[(1 << HASH_INDEX_STRIPE_BITS) / 64]; /* bit a locked stripe */
};

struct heap_worker {
    struct heap *heap;
    struct log_writer *log;
    uint32_t number;
    uint64_t now_ms;
    uint32_t reserved_records; /* by the last heap_reserve() */
    uint32_t reserved_slots;   /* held in the hash index: hash_index_reserve() */
    struct transaction transaction;
    bool exclusive; /* this worker holds the exclusive section */
    uint8_t miss;   /* enum heap_miss */
    struct heap_counts counts;
};

struct heap {
    struct heap_options o;
    struct pm *pm;
    struct pool *pool;
    struct epochs *epochs;
    struct log *log;
    struct skiplist *skiplist;
    struct hash_index *index;
    struct index_writer *index_writer;
    struct cleaner *cleaner;
    struct heap_fill fill;
    struct damage damage;
    struct scrub scrub;
    struct pm_context context;      /* of open and close */
    struct pm_context sync_context; /* of the sync actor */
    _Atomic uint32_t sync_interval_ms;
    enum pmd_commit_mode mode;
    bool power;         /* the promise; with EPOCH mode replies are parked */
    bool check_foreign; /* TURN mode and more than one worker: C2 on reads */
    _Atomic bool filled;
    _Atomic bool fill_failed;   /* the filler has stopped before its end, for good */
    _Atomic bool index_failed;  /* the index writer has: W stands still */
    _Atomic uint32_t exclusive; /* number + 1 of the worker that holds or wants all turns closed */
    _Atomic uint8_t eviction;
    _Atomic bool exhausted; /* no space and none to gain: writes are refused */
    _Atomic uint64_t
        flush_cts[PM_DATABASES];  /* versions at or below are gone: the one rule of visibility, heap_visible() */
    _Atomic uint64_t flush_at_ms; /* pending delayed flush, 0: none */
    _Atomic uint32_t flush_at_databases;
    uint64_t clock_floor_ms; /* time never runs below what the pool has seen */
    pthread_mutex_t count_lock;
    int64_t base_keys[PM_DATABASES], base_expires[PM_DATABASES]; /* under count_lock */
    bool tail_void[PM_DATABASES];         /* flushed before the recovered tail was indexed: its delta does not count */
    struct heap_counts background_counts; /* of the maintenance thread */
    struct heap_worker *workers;
    _Atomic(struct background *) background; /* threads: background.c; NULL before heap_start() */
    uint64_t recovery_us;
    _Atomic uint64_t fill_us;
    _Atomic uint64_t recovered_records;
    uint64_t sweep_bucket;      /* flush sweep: maintenance */
    uint64_t sweep_after_epoch; /* sweep once W covers this epoch; 0: nothing to sweep */
    bool sweeping;
    _Atomic uint64_t sweep_request; /* epoch of the last FLUSH */
};

/* The one rule of visibility: a version a FLUSH covers is gone. Says nothing of expiry. */
static inline bool heap_visible(const struct heap *heap, const struct pmd_record *record)
{
    return record->kind == PMD_RECORD_FULL &&
           record->cts > atomic_load_explicit(&heap->flush_cts[record->db & (PM_DATABASES - 1)], memory_order_relaxed);
}

static inline uint64_t record_expiry(const struct pmd_record *record)
{
    uint64_t expire_at_ms = 0;

    if (record->flags & PMD_HAS_EXPIRY)
        memcpy(&expire_at_ms, record + 1, sizeof(expire_at_ms));
    return expire_at_ms;
}

static HEARTH_INLINE void object_from_record(const struct pmd_record *record, struct object *out)
{
    const uint8_t *at = (const uint8_t *)(record + 1);

    out->cts = out->cas = record->cts;
    out->type = record->type;
    out->expire_at_ms = 0;
    out->client_flags = 0;
    if (record->flags & PMD_HAS_EXPIRY) {
        memcpy(&out->expire_at_ms, at, 8);
        at += 8;
    }
    if (record->flags & PMD_HAS_CLIENT_FLAGS) {
        memcpy(&out->client_flags, at, 4);
        at += 4;
    }
    if (record->flags & PMD_HAS_CAS) {
        memcpy(&out->cas, at, 8);
        at += 8;
    }
    out->value = at + record->key_len;
    out->value_len = record->value_len;
}

static inline void heap_counts_add(struct heap_counts *counts, uint8_t db, int64_t keys, int64_t expires)
{
    if (keys)
        atomic_store_explicit(&counts->keys[db], atomic_load_explicit(&counts->keys[db], memory_order_relaxed) + keys,
                              memory_order_relaxed);
    if (expires)
        atomic_store_explicit(&counts->expires[db],
                              atomic_load_explicit(&counts->expires[db], memory_order_relaxed) + expires,
                              memory_order_relaxed);
}

/* C2: what this worker reads or builds on is durable at its level (TURN mode). */
void heap_build_on(struct heap_worker *worker, pm_loc loc);

/* transaction.c */
struct staged *transaction_find(const struct heap_worker *worker, const struct index_key *key);
void transaction_stage(struct heap_worker *worker, struct heap_edit *edit, pm_loc loc);
bool transaction_holds(const struct heap_worker *worker, uint64_t hash);

/* keyspace.c: under count_lock. */
void heap_count_locked(const struct heap *heap, uint8_t db, uint64_t *keys, uint64_t *expires);

/* flush.c: carries out the delayed flush when its time has come. In an open turn that wrote and read nothing yet. */
enum pm_status heap_flush_if_due(struct heap_worker *worker);
/* flush.c: one step of dropping the slots that a FLUSH made invisible. Maintenance. */
bool heap_sweep_step(struct heap *heap);

/* One step of the maintenance actor (index writer, cleaner, space, sweep): true if it did something. now_us monotonic. */
bool heap_maintain_step(struct heap *heap, uint64_t now_us);
/* One step of the filler: false once there is nothing more to do. */
bool heap_fill_run_step(struct heap *heap);
/* background.c */
void background_wake(struct heap *heap);
void background_want_sync(void *argument, uint64_t epoch);
/* EPOCH mode: how long ago the last sync completed. */
uint64_t background_unsynced_ms(const struct heap *heap);
void background_stop(struct heap *heap);

#endif
