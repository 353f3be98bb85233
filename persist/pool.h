/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pool: superblock, geometry and segment table over one mapping, and the space of its segments.
 *
 * THREADS: pool_superblock_update() from any thread, under a lock inside. Segment functions that change states: index
 * writer's thread only, but pool_take_ready(), from any worker.
 *
 * DURABILITY: said at each function. SOURCE: DESIGN sections 4 and 5.
 */
#ifndef HEARTH_PERSIST_POOL_H
#define HEARTH_PERSIST_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/assert.h"
#include "persist/pm.h"

/* Runtime twin of a segment line. One 64-byte line each, indexed by segment. */
struct segment {
    _Atomic uint32_t closed_end; /* bytes: records that end at or below this are closed (TURN mode: durable) */
    _Atomic uint8_t state;       /* enum pmd_segment_state */
    uint8_t writer;
    bool damaged;               /* cannot be walked to its end, and is not freed in this run; the cleaner's */
    _Atomic uint32_t length;    /* bytes, once sealed */
    _Atomic int64_t live_bytes; /* live.h: of records named by the ordered index, without what is older than this run */
    uint32_t record_count;
    _Atomic uint64_t sequence;    /* order in which segments were taken, in this run, set by pool_take_*(); 0: ready and
                                    not taken yet, or older than this run */
    uint64_t top_epoch;           /* highest epoch of a record in it, as far as the index writer has read */
    _Atomic int32_t live_records; /* as live_bytes */
    uint32_t tombstones;          /* in it, indexed, whose slots have not been forgotten; maintenance */
    _Atomic int64_t older_bytes;  /* an estimate of what lives in it and is older than this run; the filler's */
};
_Static_assert(sizeof(struct segment) == HEARTH_CACHE_LINE_BYTES, "a line each");

struct pool {
    struct pm *pm;
    uint32_t segment_bits;
    uint32_t segment_bytes;
    uint64_t segment_count;
    uint64_t hash_seed;
    struct segment *segments;         /* segment_count */
    _Atomic uint32_t *generations;    /* of segments, close together: each SET reads that of what it replaces */
    uint8_t *live_cells;              /* live.h */
    struct pmd_superblock superblock; /* the newest durable copy; read under lock, or before threads start */
    pthread_mutex_t superblock_lock;
    bool same_boot;                     /* the last instance ran on this kernel boot, device and inode */
    enum pmd_commit_mode previous_mode; /* of the last instance */
    struct pool_space *space;           /* free and ready lists: space.c */
};

enum { POOL_SEGMENTS_MIN = 12 }; /* fixed ones, head, reserves and a few to work with */

struct pool_create {
    uint64_t bytes;        /* 0: the pool must exist; else the whole mapping becomes one where there is none */
    uint32_t segment_bits; /* 0: default */
    bool reset;            /* with bytes: make the pool anew even if there is one, whole or damaged (on-damage reset) */
    uint64_t hash_seed;    /* 0: random; over the sim backing a constant */
    /* Writes the head leaf: skiplist_format_head(). NULL: left zero, for tests without an index. */
    void (*format_head)(struct pm_context *context, struct pmd_leaf *leaf, uint64_t leaf_number);
};

/*
 * Opens over `pm` (which the pool then owns; on an error the caller still does), or first lays out a new pool when
 * create->bytes is not 0 and the mapping is all new (blank, or left behind by a creation that a crash cut short).
 * `create` may be NULL. Reads and verifies superblock copies and segment table. Changes nothing on media of an existing
 * pool. Errors, all logged: PM_NOT_POOL, PM_VERSION_BAD, PM_DAMAGED (both copies, geometry or table), PM_FULL (making),
 * PM_BAD_ARGUMENT (making: too small), PM_IO, PM_NO_MEMORY.
 */
enum pm_status pool_open(struct pool **out, struct pm *pm, const struct pool_create *create) HEARTH_MUST_USE;
void pool_close(struct pool *pool);

/* Changes the superblock: `change` edits a copy under the lock, which is then written to the other place and drained; a
 * change of the lease is written to both. Durable on return. */
enum pm_status pool_superblock_update(struct pool *pool, struct pm_context *context,
                                      void (*change)(struct pmd_superblock *superblock, void *argument),
                                      void *argument) HEARTH_MUST_USE;
/* Fills boot_id, device and inode of the running system into a superblock. */
void pool_identify(const struct pool *pool, struct pmd_superblock *superblock);

static inline pm_off pool_segment_off(const struct pool *pool, uint32_t segment)
{
    return (pm_off)segment << pool->segment_bits;
}
static inline uint32_t pool_segment_of(const struct pool *pool, pm_off off)
{
    return (uint32_t)(off >> pool->segment_bits);
}
/* The twin of the segment that a location lies in. */
static inline struct segment *pool_segment_at(const struct pool *pool, pm_loc loc)
{
    uint32_t segment = pool_segment_of(pool, loc * PM_UNIT);

    must(segment < pool->segment_count);
    return &pool->segments[segment];
}
static inline uint8_t *pool_at(const struct pool *pool, pm_off off)
{
    return pool->pm->base + off;
}
/* The segment's line on media. */
struct pmd_segment_line *pool_segment_line(const struct pool *pool, uint32_t segment);

/*
 * Who asks for a segment: each class may take free and ready segments together down to its own reserve only. Reserves,
 * of n segments: index 2 + n/100, cleaner 2, tombstones 1 (2 from 64 segments on); INDEX may take the last one, CLEANER
 * leaves index, TOMBSTONE leaves index + cleaner, USER leaves all three.
 */
enum space_class { SPACE_USER, SPACE_TOMBSTONE, SPACE_CLEANER, SPACE_INDEX };

/*
 * Space. Segments go free -> ready (allocated, touched, generation raised, line LOG and durable; by
 * pool_space_step()) -> taken by a log writer. Reserves by count keep a full pool able to delete, clean and index.
 */
/* Rebuilds the free list from the segment states; after recovery has sealed. */
enum pm_status pool_space_start(struct pool *pool) HEARTH_MUST_USE;
/* Keeps `ready_goal` segments ready and file space allocated for the reserves, one segment a call. Index writer's
 * thread. Returns true if it did something. On a full disk: false; tries again at most once a second. */
bool pool_space_step(struct pool *pool, struct pm_context *context, uint32_t ready_goal);
/* Takes a ready segment (generation set, state LOG). PM_FULL: none ready now for this class; ask again later. Any thread. */
enum pm_status pool_take_ready(struct pool *pool, enum space_class class, uint32_t *segment) HEARTH_MUST_USE;
/* Takes a free segment (a ready one when there is no other) and makes it `state` (SURVIVOR or INDEX) at once, durable on
 * return. PM_FULL, PM_IO. Index writer's thread. */
enum pm_status pool_take_free(struct pool *pool, struct pm_context *context, enum space_class class,
                              enum pmd_segment_state state, uint32_t *segment) HEARTH_MUST_USE;
/* Changes state and length of a segment: one 8-byte store, flushed with `flush_site`; durable after the context's next
 * drain. Does not drain. */
void pool_set_segment(struct pool *pool, struct pm_context *context, uint32_t segment, enum pmd_segment_state state,
                      uint32_t length, enum pm_site flush_site);
/* Gives a segment back: line FREE and durable first (R3), then on the free list. */
enum pm_status pool_free_segment(struct pool *pool, struct pm_context *context, uint32_t segment) HEARTH_MUST_USE;

struct pool_space_counts {
    uint64_t free, ready, log, survivor, index, fixed;
    bool disk_full; /* the file system refused the last allocation */
};
void pool_space_counts(const struct pool *pool, struct pool_space_counts *out);
/* Free and ready segments beyond the reserve of SPACE_USER: 0 means users' writes must wait or evict. Cheap. */
uint64_t pool_space_available(const struct pool *pool);
/* Whether this class may take one of the free and ready segments, now or once one is ready. Cheap. */
bool pool_space_can(const struct pool *pool, enum space_class class);
/* Free segments that have never been used: taking one costs the file system's work for each of its pages. Cheap. */
uint64_t pool_space_fresh(const struct pool *pool);

#endif
