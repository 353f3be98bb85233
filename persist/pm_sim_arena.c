/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slabs that are kept, a bump pointer into them, free lists.
 */
#include "persist/pm_sim_arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { SLAB_BYTES = 256 * 1024 };

static const size_t class_bytes[SIM_ARENA_CLASSES] = {32, 96, 288, 1056, SIM_ARENA_BYTES_MAX};

static unsigned class_of(size_t bytes)
{
    unsigned i = 0;

    must(bytes <= SIM_ARENA_BYTES_MAX);
    while (class_bytes[i] < bytes)
        i++;
    return i;
}

static void add_slab(struct sim_arena *arena)
{
    if (arena->slab_count == arena->slab_room) {
        arena->slab_room = arena->slab_room == 0 ? 16 : 2 * arena->slab_room;
        arena->slabs = realloc(arena->slabs, arena->slab_room * sizeof *arena->slabs);
        must(arena->slabs != NULL);
    }
    arena->slabs[arena->slab_count] = malloc(SLAB_BYTES);
    must(arena->slabs[arena->slab_count] != NULL);
    arena->slab_count++;
}

static void *bump(struct sim_arena *arena, size_t bytes)
{
    void *piece;

    if (arena->slab_count == 0)
        add_slab(arena);
    if (arena->used + bytes > SLAB_BYTES) {
        if (arena->slab + 1 == arena->slab_count)
            add_slab(arena);
        arena->slab++;
        arena->used = 0;
    }
    piece = arena->slabs[arena->slab] + arena->used;
    arena->used += bytes;
    return piece;
}

void *sim_arena_take(struct sim_arena *arena, size_t bytes)
{
    unsigned i = class_of(bytes);
    void *piece = arena->free_lists[i];

    if (piece == NULL)
        return bump(arena, class_bytes[i]);
    memcpy(&arena->free_lists[i], piece, sizeof piece);
    return piece;
}

void sim_arena_give(struct sim_arena *arena, void *piece, size_t bytes)
{
    unsigned i = class_of(bytes);

    memcpy(piece, &arena->free_lists[i], sizeof piece);
    arena->free_lists[i] = piece;
}

void sim_arena_reset(struct sim_arena *arena)
{
    arena->slab = 0;
    arena->used = 0;
    memset(arena->free_lists, 0, sizeof arena->free_lists);
}

void sim_arena_free(struct sim_arena *arena)
{
    for (size_t i = 0; i < arena->slab_count; i++)
        free(arena->slabs[i]);
    free(arena->slabs);
}
