/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap: sixteen databases of objects over one pool; what the commands of both protocols are made of.
 *
 * A worker thread does, per pass of its event loop:
 *     heap_turn_begin; for each request: [heap_reserve] heap_get / heap_edit_* / ...; heap_turn_close; send
 *     replies, with values as they lie in the pool; heap_turn_leave.
 * Everything got from the heap (objects, keys) is valid until heap_turn_leave.
 *
 * VERSIONS: a record is never changed in place. Readers take no lock; writers to one key serialise on its stripe.
 *
 * THREADS: a struct heap_worker belongs to one thread. heap_count(), heap_stats() from any.
 *
 * DURABILITY: see heap_turn_close.
 */
#ifndef HEARTH_HEAP_HEAP_H
#define HEARTH_HEAP_HEAP_H

#include "persist/log.h"
#include "persist/skiplist.h"

struct heap;
struct heap_worker;

/* In the order of the words of the directive, as are the two behind it. */
enum heap_durability { HEAP_DURABILITY_DEFAULT, HEAP_DURABILITY_POWER, HEAP_DURABILITY_PROCESS };
enum heap_on_damage { HEAP_DAMAGE_REFUSE, HEAP_DAMAGE_RESET };
enum heap_eviction { HEAP_EVICTION_CACHE, HEAP_EVICTION_NONE };

struct heap_options {
    const char *path;
    uint64_t pool_bytes;   /* size of a pool that is made; an existing pool keeps its own; 0: it must exist */
    uint32_t segment_bits; /* of a pool that is made; 0: default */
    uint32_t workers;
    bool trust_pmem;
    bool accept_clock;
    enum heap_durability durability;
    uint32_t sync_interval_ms;
    uint64_t tail_bytes;   /* restart-tail */
    uint64_t tail_records; /* 200,000 */
    enum heap_on_damage on_damage;
    enum heap_eviction eviction;
    void (*synced)(
        void *context); /* a sync completed (EPOCH mode): parked replies may go; from the sync thread; or NULL */
    void *synced_context;
    struct pm *pm;      /* tests: use this mapping instead of path; on an error it is still the caller's */
    uint64_t hash_seed; /* tests: of a pool that is made; 0: random */
};

/*
 * Opens or makes the pool, recovers, and is ready to serve on return: in milliseconds, whatever the size. One clear
 * line is logged on each error. Background work begins with heap_start().
 */
enum pm_status heap_open(struct heap **out, const struct heap_options *options) HEARTH_MUST_USE;
/* Starts the background threads: maintenance (index writer, cleaner, space), sync (EPOCH mode), filler. */
enum pm_status heap_start(struct heap *heap) HEARTH_MUST_USE;
/* After all turns are closed: stops the threads, makes everything durable, marks the pool clean, closes. */
void heap_close(struct heap *heap);

struct heap_worker *heap_worker(struct heap *heap, uint32_t number);
struct pool *heap_pool(struct heap *heap);

/* Runtime changes (CONFIG SET). Any thread. */
void heap_set_eviction(struct heap *heap, enum heap_eviction eviction);
void heap_set_sync_interval_ms(struct heap *heap, uint32_t sync_interval_ms);

/* ---- turns ---- */

/* now_ms: wall clock of this turn (the caller reads it once a turn); expiry is judged by it (never by less than what the pool saw). */
void heap_turn_begin(struct heap_worker *worker, uint64_t now_ms);
/*
 * Closes the turn, after which nothing may be written in it: on return what was written is durable at the server's
 * level, or, with file backing at `power`, *wait_epoch is not 0 and the turn's replies must be parked until
 * heap_synced_epoch() >= *wait_epoch (the `synced` callback tells when to look). PM_IO: nothing of the turn may be
 * acknowledged; the server must stop promising (R5).
 */
enum pm_status heap_turn_close(struct heap_worker *worker, uint64_t *wait_epoch) HEARTH_MUST_USE;
/* After the close: what was got may be reused from here on. */
void heap_turn_leave(struct heap_worker *worker);
/* Both at once. */
enum pm_status heap_turn_end(struct heap_worker *worker, uint64_t *wait_epoch) HEARTH_MUST_USE;
/* Which turn is open, to tell later whether what was got in it is still valid; 0: none. */
uint64_t heap_turn_number(const struct heap_worker *worker);
uint64_t heap_synced_epoch(const struct heap *heap);
uint64_t heap_now_ms(const struct heap_worker *worker);

/* ---- keys and objects ---- */

/* The hash is computed here, once a request. */
void heap_key(const struct heap *heap, struct index_key *key, uint8_t db, const void *data, size_t len);
/* Starts loading what a later heap_get or heap_edit_begin will touch: call for all requests of a batch first. */
void heap_prefetch(struct heap_worker *worker, const struct index_key *key);
/* The second step: the record behind the bucket, without its value if that will not be read. Call for all requests
 * after heap_prefetch() of all. Returns what the third step takes, 0: nothing, HEAP_PREFETCH_AGAIN: the key's slot lies
 * further away. Once all requests have had this step, those have it again, with `overflow`. */
pm_loc heap_prefetch_record(struct heap_worker *worker, const struct index_key *key, bool value, bool overflow);
#define HEAP_PREFETCH_AGAIN UINT64_MAX
/* The third, a request or two before its turn: the rest of the value, whose length the record tells. Of a record that is
 * gone by now something useless is fetched. */
void heap_prefetch_value(struct heap_worker *worker, pm_loc loc);
/* The first two for the keys of one request, the first HEAP_KEYS_TOGETHER of them. */
enum { HEAP_KEYS_TOGETHER = 64 };
void heap_prefetch_all(struct heap_worker *worker, const struct index_key *keys, uint32_t count);

struct object {
    const uint8_t *value;
    uint32_t value_len;
    uint32_t client_flags;
    uint64_t expire_at_ms; /* unix; 0: none */
    uint64_t cas;          /* CAS unique */
    uint64_t cts;
    uint8_t type; /* 0 string */
};
/* False: no such key (or expired, flushed). Counts the hit for eviction. */
bool heap_get(struct heap_worker *worker, const struct index_key *key, struct object *out);
/*
 * What the last heap_get() of this worker has met, if that was a miss. An object that has expired or was flushed is only
 * met until the sweeps have collected it.
 */
enum heap_miss { HEAP_MISS_ABSENT, HEAP_MISS_EXPIRED, HEAP_MISS_FLUSHED };
enum heap_miss heap_why_missed(const struct heap_worker *worker);
/* The same without counting (EXISTS-like commands, TTL, WATCH). */
bool heap_peek(struct heap_worker *worker, const struct index_key *key, struct object *out);

/* ---- writing ---- */

enum heap_reserve {
    HEAP_RESERVED,
    HEAP_WAIT, /* no room now (space, or the tail is at its bound): close the turn, come back in a moment */
    HEAP_FULL, /* out of memory, or the index has stopped for good and takes no more (logged): answer so */
};
/*
 * Before a command's first lock and write: room for `records` records of together `bytes` bytes (heap_bytes() each), in
 * the log and in the hash index.
 * deletes_only: may use the reserve that keeps a full pool deletable.
 */
enum heap_reserve heap_reserve(struct heap_worker *worker, uint64_t bytes, uint32_t records,
                               bool deletes_only) HEARTH_MUST_USE;
/* Most that one object can take in the log. */
uint64_t heap_bytes(uint32_t key_len, uint64_t value_len);

/* What a put stores. */
struct heap_put {
    const struct log_part *parts; /* value, gathered; may point into got objects */
    uint32_t part_count;
    uint32_t client_flags;
    uint64_t expire_at_ms; /* 0: none. In the past: the object is at once expired; callers who mean a delete delete. */
    bool keep_cas;         /* the CAS unique stays that of the old version (touch) */
    uint8_t type;
};

/*
 * A change of one key: begin takes the stripe lock (unless the worker's transaction holds it) and shows the present
 * object; then at most one of put or delete; end lets go. Nothing else may be waited for in between.
 */
struct heap_edit {
    struct heap_worker *worker;
    const struct index_key *key;
    bool found;        /* a visible, unexpired object */
    struct object old; /* if found */
    /* private */
    struct {
        _Atomic uint64_t *slot;
        uint64_t word;
        bool has_slot;
        int32_t staged; /* member of the open transaction, or -1 */
        uint64_t above;
        struct record_replaced replaced;
        uint32_t place;
        bool expires; /* the slot's record counts as one with expiry */
        bool counted; /* the slot's record counts as a key */
        bool damaged; /* the slot's record is, and was not shown */
    } p;
};
void heap_edit_begin(struct heap_worker *worker, const struct index_key *key, struct heap_edit *edit);
/* The reservation must cover it. Returns the new CAS unique. */
uint64_t heap_edit_put(struct heap_edit *edit, const struct heap_put *put);
/* The key goes; nothing if it was not there. Call it also for what was not found, where that means a delete: a damaged
 * record is not found, but could be whole again after the next start. */
void heap_edit_delete(struct heap_edit *edit);
void heap_edit_end(struct heap_edit *edit);

/*
 * A transaction: everything edited between begin and commit becomes visible and durable as one. keys: all that will be
 * read or edited in it (their stripes are locked, in order); reads in it see its own edits. At most
 * HEAP_TRANSACTION_KEYS keys and LOG_TRANSACTION_RECORDS_MAX records by the reservation made just before (more, or no
 * memory to note them: false, nothing was locked). In an exclusive section it locks nothing and edits are published at
 * once.
 */
enum { HEAP_TRANSACTION_KEYS = 1 << 20 };
bool heap_transaction_begin(struct heap_worker *worker, const struct index_key *keys, size_t count) HEARTH_MUST_USE;
void heap_transaction_commit(struct heap_worker *worker);

/*
 * FLUSH of databases (bit a database): every object in them is gone. at_ms 0: now; else at that time (memcached's
 * delayed flush_all), which survives a restart. Called with the turn open and no edit open, nor a transaction outside of
 * an exclusive section; the turn is closed and begun again inside (what was got before is invalid), other workers are
 * held between turns for a moment. Reserve before (heap_flush_bytes(), 1 record, deletes_only).
 */
enum pm_status heap_flush(struct heap_worker *worker, uint32_t databases, uint64_t at_ms) HEARTH_MUST_USE;
uint64_t heap_flush_bytes(void);
/*
 * Exclusive section for an EXEC that contains a flush or walks the keyspace: begin closes the turn, holds all others,
 * opens a turn alone; heap_flush() inside it only appends, as a part of the transaction if one is open. end lets the
 * others go.
 */
enum pm_status heap_exclusive_begin(struct heap_worker *worker) HEARTH_MUST_USE;
void heap_exclusive_end(struct heap_worker *worker);

/* ---- the keyspace ---- */

/* keys, and of them those with an expiry. Expired ones count until they are collected. */
void heap_count(const struct heap *heap, uint8_t db, uint64_t *keys, uint64_t *expires);
/* True once the hash index is complete: scan, random and exact counts need it; before, commands that need it wait. */
bool heap_is_filled(const struct heap *heap);
/* It never will be: the ordered index is damaged, or memory for it was refused (logged). Whoever would wait must be told
 * so: what needs all keys cannot be answered truly. Single keys go on being served. Any thread. */
bool heap_cannot_fill(const struct heap *heap);

struct heap_scan_item {
    const uint8_t *key;
    uint32_t key_len;
    struct object object;
};
/* Gives at least the objects of one step and of about `count` slots; returns the next cursor, 0 at the end. Redis
 * SCAN's guarantee, over restarts too. */
uint64_t heap_scan(struct heap_worker *worker, uint8_t db, uint64_t cursor, uint64_t count,
                   void (*each)(const struct heap_scan_item *item, void *context), void *context);
/* False: none found (database empty, or almost all expired). */
bool heap_random_key(struct heap_worker *worker, uint8_t db, uint64_t random, struct heap_scan_item *out);

/* ---- figures ---- */

struct heap_stats {
    uint64_t pool_bytes, pool_used_bytes, live_bytes; /* used: segments that are not free */
    uint64_t segments_free, segments_log, segments_survivor, segments_index, segments_total;
    uint64_t tail_records, tail_bytes, w, epoch, synced_epoch;
    uint64_t persist_lag_bytes, persist_lag_ms;
    uint64_t evicted, expired_collected, cleaned_segments, cleaned_bytes, survivor_bytes, appended_bytes,
        appended_records;
    uint64_t index_keys, index_leaves, index_segments, index_batches;
    uint64_t hash_bytes, hash_buckets, hash_slots;
    uint64_t drains, flush_lines, store_bytes;
    uint64_t recovery_us, recovered_records, fill_us;
    uint64_t damaged_records; /* found since the start, and not served */
    uint64_t scrubbed_bytes, scrub_passes;
    bool filled, failed, disk_full, power, emulated, file_backing;
};
void heap_stats(struct heap *heap, struct heap_stats *out);

#endif
