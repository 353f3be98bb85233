/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One life of pool and log for the tests of persist: what a server does between two crashes, without the heap.
 *
 * IDEA     The mapping (simulated, or a file) outlives the life: life_end() forgets all that lay in DRAM, then the test
 *          crashes the mapping or does not, and life_begin() recovers. What recovery gave stands in `items`.
 */
#ifndef HEARTH_TESTS_SUPPORT_LIFE_H
#define HEARTH_TESTS_SUPPORT_LIFE_H

#include "persist/log.h"
#include "persist/pm_sim.h"
#include "persist/recovery.h"

enum { LIFE_ITEMS_MAX = 4096, LIFE_SEGMENTS = 32, LIFE_WRITERS = 2 };

/* A record as recovery gave it, or as the log did. */
struct life_item {
    uint64_t cts;
    uint32_t key; /* of keys named by life_key() */
    uint32_t value_bytes;
    uint8_t kind;
    bool sound; /* each byte of the value is the key's last one */
    pm_loc loc;
};

struct life_options {
    enum pmd_commit_mode mode;
    uint32_t threads; /* of recovery; 0: 1 */
    bool read_only;
    bool accept_clock;
    uint32_t ready; /* segments to make ready; 0: 4 */
};

struct life {
    struct pm *pm;
    struct pool *pool;
    struct log *log;
    struct epochs epochs;
    struct recovery recovery;
    struct life_options options;
    struct pm_context context;
    uint32_t item_count;
    struct life_item items[LIFE_ITEMS_MAX];
};

/* A simulated mapping with small segments (64 KB), still blank. Close with pm_sim_free(). */
struct pm *life_sim(enum pm_sim_mode mode);
/* Opens or makes the pool on `pm`, recovers, opens the log with LIFE_WRITERS writers. On an error nothing is open. */
enum pm_status life_begin(struct life *life, struct pm *pm, const struct life_options *options) HEARTH_MUST_USE;
/* Forgets what lay in DRAM; the mapping stays as it is. Turns may be open. */
void life_end(struct life *life);
/* Keeps segments ready, as the index writer does. */
void life_make_ready(struct life *life);

/* Appends a record of key number `key` with so many bytes of value; reserves before. Fails the test when it is full. */
pm_loc life_put(struct life *life, uint32_t writer, uint32_t key, uint32_t value_bytes);
/* The same as a turn by itself. */
pm_loc life_put_turn(struct life *life, uint32_t writer, uint32_t key, uint32_t value_bytes);
/* The record behind life_put(), with its own cts, for tests that reserve and commit themselves. */
pm_loc life_append(struct life *life, uint32_t writer, const struct life_item *item, bool in_transaction);
/* Fills in an item from a record; for log_read() and recovery. */
void life_item_of(const struct log_item *from, struct life_item *item);
uint32_t life_record_bytes(uint32_t value_bytes);

#endif
