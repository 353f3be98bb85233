/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of noted stores: a bump arena with free lists by size, forgotten as a whole in no time.
 *
 * IDEA     A crash image is taken in a forked child, in which every page written is a page copied. libc's free() walks
 *          and joins what the parent freed long ago (12 ms an image, measured); here a crash resets two numbers.
 */
#ifndef HEARTH_PERSIST_PM_SIM_ARENA_H
#define HEARTH_PERSIST_PM_SIM_ARENA_H

#include <stddef.h>
#include <stdint.h>

enum { SIM_ARENA_CLASSES = 5, SIM_ARENA_BYTES_MAX = 4096 + 64 };

struct sim_arena {
    uint8_t **slabs;
    size_t slab_count, slab_room;
    size_t slab, used; /* where the next piece comes from */
    void *free_lists[SIM_ARENA_CLASSES];
};

/* A piece of at most SIM_ARENA_BYTES_MAX bytes, 8-byte aligned. */
void *sim_arena_take(struct sim_arena *arena, size_t bytes);
/* Gives a piece back; `bytes` as it was taken. */
void sim_arena_give(struct sim_arena *arena, void *piece, size_t bytes);
/* All pieces are given back at once. */
void sim_arena_reset(struct sim_arena *arena);
void sim_arena_free(struct sim_arena *arena);

#endif
