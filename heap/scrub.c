/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scrubber's pace, and its look at the records.
 */
#include "heap/scrub.h"

#include "heap/heap_internal.h"
#include "persist/live.h"

enum {
    BYTES_A_SECOND_MIN = 1 << 20,
    BYTES_A_SECOND_MAX = 16 << 20,
    TICK_US = 10000,       /* calls that come sooner than that after another do nothing */
    IDLE_US = 200000,      /* longer pauses than the maintenance thread's rests are not made up for */
    BUCKETS_A_TICK = 4096, /* most of them empty, in a table that is larger than its objects need */
};
#define PASS_US (UINT64_C(600) * 1000000)

bool scrub_open(struct scrub *scrub, struct heap *heap)
{
    *scrub = (struct scrub){
        .heap = heap,
        .pin = epoch_pin_new(heap->epochs),
        .bytes_a_second = BYTES_A_SECOND_MIN,
        .bytes_a_second_max = BYTES_A_SECOND_MAX,
    };
    return scrub->pin != NULL;
}

/* Also where the epoch is what is damaged: then it is most likely none that there ever was. */
static bool is_above_w(const struct heap *heap, const struct pmd_record *record)
{
    uint64_t epoch = cts_epoch(record->cts);

    return epoch > index_writer_w(heap->index_writer) && epoch <= epoch_now(heap->epochs);
}

static void look_at(uint64_t word, void *context)
{
    struct scrub *scrub = context;
    const struct pmd_record *record = record_at(scrub->heap->pool, hash_slot_loc(word));
    struct record_view view;
    uint64_t bytes = sizeof(*record);

    /* A tombstone is a miss, whole or not. Marked: a transaction is publishing this key. */
    if (record->kind == PMD_RECORD_TOMBSTONE || (word & HASH_SLOT_MARK) || is_above_w(scrub->heap, record))
        return;
    if (record_view_at(scrub->heap->pool, hash_slot_loc(word), &view))
        bytes = view.bytes;
    (void)damage_verify_word(scrub->heap, word); /* whoever asks for the key meets the slot as it is now */
    scrub->due_bytes -= (int64_t)bytes;
    atomic_store_explicit(&scrub->bytes, scrub->bytes + bytes, memory_order_relaxed);
}

/* Turns the time since the last call into bytes. False: none are due. */
static bool is_due(struct scrub *scrub, uint64_t now_us)
{
    uint64_t elapsed_us = now_us - scrub->last_us;

    if (elapsed_us < TICK_US)
        return false;
    scrub->last_us = now_us;
    if (scrub->cursor == 0 && scrub->pass_began_us != 0 && now_us - scrub->pass_began_us < PASS_US)
        return false;
    if (elapsed_us > IDLE_US)
        elapsed_us = IDLE_US;
    if (scrub->due_bytes > 0) /* what was due and found nothing to read is forgone */
        scrub->due_bytes = 0;
    scrub->due_bytes += (int64_t)(elapsed_us * scrub->bytes_a_second / 1000000);
    return scrub->due_bytes > 0;
}

static void begin_pass(struct scrub *scrub, uint64_t now_us)
{
    scrub->bytes_a_second = live_bytes_of_pool(scrub->heap->pool) * 1000000 / PASS_US;
    if (scrub->bytes_a_second < BYTES_A_SECOND_MIN)
        scrub->bytes_a_second = BYTES_A_SECOND_MIN;
    if (scrub->bytes_a_second > scrub->bytes_a_second_max)
        scrub->bytes_a_second = scrub->bytes_a_second_max;
    scrub->pass_began_us = now_us;
}

void scrub_step(struct scrub *scrub, uint64_t now_us)
{
    uint32_t buckets = BUCKETS_A_TICK;

    if (!is_due(scrub, now_us))
        return;
    if (scrub->cursor == 0)
        begin_pass(scrub, now_us);
    epoch_enter(scrub->heap->epochs, scrub->pin);
    do
        scrub->cursor = hash_index_scan(scrub->heap->index, scrub->cursor, look_at, scrub);
    while (scrub->cursor && scrub->due_bytes > 0 && --buckets);
    epoch_leave(scrub->pin);
    if (scrub->cursor == 0)
        atomic_store_explicit(&scrub->passes, scrub->passes + 1, memory_order_relaxed);
}
