/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal of the ordered index.
 *
 * IDEA: images are gathered in DRAM, so that one sequential store and one checksum make the batch; the same bytes are
 * then applied.
 *
 * DURABILITY: a crash before JOURNAL_DRAIN leaves the half of this batch torn or as it was: the other half holds the
 * highest complete batch, which is wholly applied already, and applying it again changes nothing. A crash after
 * it leaves this batch complete: recovery applies it, over whatever part had been applied. Before JOURNAL_DRAIN any
 * subset of lines may have reached the media, all of this half and a part of a new leaf too: hence their sums.
 */
#include "persist/journal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "base/log.h"
#include "persist/skiplist_leaf.h"

#define JOURNAL_MAGIC UINT64_C(0x314e524a54524148) /* HARTJRN1 */

enum { APPLY_AHEAD = 24, IMAGE_WORDS_MAX = PM_LEAF_BYTES / 8, COUNT_BITS = 16, COUNT_NEW_LEAF = 1 << 15 };

struct journal {
    struct pool *pool;
    uint64_t batch;    /* the last complete one */
    uint64_t capacity; /* bytes of images */
    uint64_t bytes;    /* of images gathered */
    uint8_t *buffer;   /* header and images, as they will lie on media */
};

static uint64_t half_bytes(const struct pool *pool)
{
    return pool->segment_bytes / 2;
}
static struct pmd_journal_header *half_of(const struct pool *pool, uint64_t batch)
{
    return (struct pmd_journal_header *)pool_at(pool, pool_segment_off(pool, PM_SEGMENT_JOURNAL) +
                                                          batch % 2 * half_bytes(pool));
}

static uint64_t batch_checksum(const struct pool *pool, const struct pmd_journal_header *header, const void *images)
{
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    XXH3_64bits_reset_withSeed(&state, pool->hash_seed);
    XXH3_64bits_update(&state, header, offsetof(struct pmd_journal_header, checksum));
    XXH3_64bits_update(&state, images, header->bytes);
    return XXH3_64bits_digest(&state);
}

/* What follows the header: images, and the sums of new leaves, one word each, which are not applied. */
struct image {
    pm_off off;
    uint32_t words;
    bool is_sum;
    const uint64_t *data;
};

static struct image image_at(const uint8_t *at)
{
    uint64_t off_words;

    memcpy(&off_words, at, 8);
    return (struct image){
        .off = (off_words >> COUNT_BITS) * 8,
        .words = off_words & (COUNT_NEW_LEAF - 1),
        .is_sum = off_words & COUNT_NEW_LEAF,
        .data = (const uint64_t *)(at + 8),
    };
}

/* The half's checksum holds, so that its images can be walked. */
static bool new_leaves_are_whole(const struct pool *pool, const struct pmd_journal_header *header)
{
    const uint8_t *at = (const uint8_t *)(header + 1), *end = at + header->bytes;

    for (struct image image; at < end; at += 8 + 8 * image.words) {
        uint64_t sum;

        image = image_at(at);
        if (image.is_sum && !(leaf_new_sum(pool, image.off / PM_LEAF_BYTES, &sum) && sum == image.data[0]))
            return false;
    }
    return true;
}

static bool half_is_complete(const struct pool *pool, uint64_t half)
{
    const struct pmd_journal_header *header = half_of(pool, half);

    return header->magic == JOURNAL_MAGIC && header->batch % 2 == half && header->bytes % 8 == 0 &&
           header->bytes <= half_bytes(pool) - PM_JOURNAL_HEADER_BYTES &&
           batch_checksum(pool, header, header + 1) == header->checksum && new_leaves_are_whole(pool, header);
}

enum pm_status journal_open(struct journal **out, struct pool *pool, uint64_t last_batch)
{
    struct journal *journal = calloc(1, sizeof *journal);

    if (journal == NULL)
        return PM_NO_MEMORY;
    journal->pool = pool;
    journal->batch = last_batch;
    journal->capacity = half_bytes(pool) - PM_JOURNAL_HEADER_BYTES;
    journal->buffer = aligned_alloc(PM_LINE, half_bytes(pool));
    if (journal->buffer == NULL) {
        free(journal);
        return PM_NO_MEMORY;
    }
    *out = journal;
    return PM_OK;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    free(journal->buffer);
    free(journal);
}

uint64_t journal_capacity(const struct journal *journal)
{
    return journal->capacity;
}
uint64_t journal_room(const struct journal *journal)
{
    return journal->capacity - journal->bytes;
}
bool journal_is_empty(const struct journal *journal)
{
    return journal->bytes == 0;
}
uint64_t journal_batch(const struct journal *journal)
{
    return journal->batch;
}

uint64_t journal_w(const struct pool *pool, uint64_t batch)
{
    const struct pmd_journal_header *header = half_of(pool, batch);

    if (batch == 0 || header->batch != batch || header->w < pool->superblock.w)
        return pool->superblock.w;
    return header->w;
}

static bool add(struct journal *journal, pm_off off, const uint64_t *words, uint32_t count, uint32_t flag)
{
    uint64_t need = 8 + UINT64_C(8) * count;
    uint8_t *to = journal->buffer + PM_JOURNAL_HEADER_BYTES + journal->bytes;
    uint64_t off_words = off / 8 << COUNT_BITS | flag | count;

    must(off % 8 == 0);
    if (need > journal_room(journal))
        return false;
    memcpy(to, &off_words, 8);
    memcpy(to + 8, words, 8 * count);
    journal->bytes += need;
    return true;
}

bool journal_add(struct journal *journal, pm_off off, const uint64_t *words, uint32_t count)
{
    must(count <= IMAGE_WORDS_MAX);
    return add(journal, off, words, count, 0);
}

bool journal_add_new_leaf(struct journal *journal, pm_off off, uint64_t sum)
{
    return add(journal, off, &sum, 1, COUNT_NEW_LEAF);
}

/* ---- applying ---- */

/* Lines of neighbouring images are flushed once. */
struct apply {
    struct pool *pool;
    struct pm_context *context;
    enum pm_site site;
    pm_off from, to; /* lines stored to and not flushed yet */
};

static void flush_lines(struct apply *apply)
{
    if (apply->to != 0)
        pm_flush(apply->context, apply->site, pool_at(apply->pool, apply->from), apply->to - apply->from);
    apply->from = apply->to = 0;
}

static void apply_image(struct apply *apply, const struct image *image)
{
    uint64_t *to = (uint64_t *)pool_at(apply->pool, image->off);
    pm_off from = image->off & ~(pm_off)(PM_LINE - 1);
    pm_off end = (image->off + UINT64_C(8) * image->words + PM_LINE - 1) & ~(pm_off)(PM_LINE - 1);

    for (uint32_t i = 0; i < image->words; i++)
        pm_store_word(apply->context, &to[i], image->data[i]);
    if (apply->to == 0 || from < apply->from || from > apply->to) {
        flush_lines(apply);
        apply->from = from;
    }
    apply->to = end > apply->to ? end : apply->to;
}

struct observer {
    void (*before)(uint64_t leaf_number, void *argument);
    void (*after)(uint64_t leaf_number, void *argument);
    void *argument;
};

/* Applies all images in their order. The lines lie all over the index: they are fetched a few images ahead. */
static void apply_images(struct apply *apply, const uint8_t *images, uint64_t bytes, const struct observer *observer)
{
    const uint8_t *end = images + bytes, *ahead = images;
    uint64_t leaf = 0;

    for (uint32_t i = 0; i < APPLY_AHEAD && ahead < end; i++)
        ahead += 8 + 8 * image_at(ahead).words;
    while (images < end) {
        struct image image = image_at(images);

        if (ahead < end) {
            struct image later = image_at(ahead);

            HEARTH_PREFETCH_WRITE(pool_at(apply->pool, later.off));
            ahead += 8 + 8 * later.words;
        }
        images += 8 + 8 * image.words;
        if (image.is_sum)
            continue;
        if (image.off / PM_LEAF_BYTES != leaf) {
            if (leaf != 0)
                observer->after(leaf, observer->argument);
            leaf = image.off / PM_LEAF_BYTES;
            observer->before(leaf, observer->argument);
        }
        apply_image(apply, &image);
    }
    if (leaf != 0)
        observer->after(leaf, observer->argument);
    flush_lines(apply);
}

static void fill_header(struct journal *journal, uint64_t w, const uint64_t keys[PM_DATABASES],
                        const uint64_t expires[PM_DATABASES])
{
    struct pmd_journal_header *header = (struct pmd_journal_header *)journal->buffer;

    memset(header, 0, sizeof *header);
    header->magic = JOURNAL_MAGIC;
    header->batch = journal->batch + 1;
    header->w = w;
    header->bytes = journal->bytes;
    memcpy(header->keys, keys, sizeof header->keys);
    memcpy(header->expires, expires, sizeof header->expires);
    header->checksum = batch_checksum(journal->pool, header, header + 1);
}

enum pm_status journal_commit(struct journal *journal, struct pm_context *context, uint64_t w,
                              const uint64_t keys[PM_DATABASES], const uint64_t expires[PM_DATABASES],
                              void (*before)(uint64_t leaf_number, void *argument),
                              void (*after)(uint64_t leaf_number, void *argument), void *argument)
{
    struct pool *pool = journal->pool;
    struct observer observer = {before, after, argument};
    struct apply apply = {.pool = pool, .context = context, .site = PM_SITE_APPLY_FLUSH};
    uint64_t bytes = PM_JOURNAL_HEADER_BYTES + journal->bytes;
    uint8_t *half = (uint8_t *)half_of(pool, journal->batch + 1);
    enum pm_status status;

    fill_header(journal, w, keys, expires);
    pm_store(context, half, journal->buffer, bytes);
    pm_flush(context, PM_SITE_JOURNAL_FLUSH, half, bytes);
    status = pm_drain(context, PM_SITE_JOURNAL_DRAIN);
    if (status != PM_OK)
        return status;
    journal->batch++;
    apply_images(&apply, journal->buffer + PM_JOURNAL_HEADER_BYTES, journal->bytes, &observer);
    status = journal->bytes != 0 ? pm_drain(context, PM_SITE_APPLY_DRAIN) : PM_OK;
    journal->bytes = 0;
    return status;
}

/* ---- recovery ---- */

/* Every image must lie within a leaf of an index segment: a segment given back is behind the superblock's mark. */
static bool images_are_sound(const struct pool *pool, const struct pmd_journal_header *header)
{
    const uint8_t *at = (const uint8_t *)(header + 1), *end = at + header->bytes;

    while (at < end) {
        struct image image = image_at(at);
        pm_off last = image.off + UINT64_C(8) * image.words - 1;
        uint64_t left = (uint64_t)(end - at);

        if (image.words == 0 || image.words > IMAGE_WORDS_MAX || 8 + UINT64_C(8) * image.words > left)
            return false;
        if (image.off / PM_LEAF_BYTES != last / PM_LEAF_BYTES || last >= pool->segment_count << pool->segment_bits)
            return false;
        if (atomic_load(&pool->segments[pool_segment_of(pool, image.off)].state) != PMD_SEGMENT_INDEX)
            return false;
        at += 8 + 8 * image.words;
    }
    return true;
}

static void nobody_reads(uint64_t leaf_number, void *argument)
{
    (void)leaf_number;
    (void)argument;
}

/* The fence of a new leaf may lie in spill blocks; a chain is as long as the fence at most. */
static void keep_spill(struct pool *pool, struct pm_context *context, const struct pmd_leaf *leaf)
{
    uint64_t number = leaf->low_spill;

    for (uint32_t left = leaf->low_full_len != 0 ? leaf->low_full_len : UINT16_MAX + 1;
         number != 0 && number < pool->pm->bytes / PM_LEAF_BYTES;) {
        const struct pmd_leaf *block = (const struct pmd_leaf *)pool_at(pool, number * PM_LEAF_BYTES);

        pm_flush(context, PM_SITE_RECOVERY_APPLY_FLUSH, block, sizeof *block);
        number = left > PM_LEAF_AREA ? block->next : 0;
        left -= left > PM_LEAF_AREA ? PM_LEAF_AREA : left;
    }
}

/*
 * Makes the complete half and the new leaves it links durable. After a power cut they are; but a process that follows a
 * killed one sees stores that nobody has drained, and a power cut during its recovery must not find images applied in
 * place whose journal or whose new leaves are torn.
 */
static enum pm_status keep_batch(struct pool *pool, struct pm_context *context, const struct pmd_journal_header *header)
{
    const uint8_t *at = (const uint8_t *)(header + 1), *end = at + header->bytes;

    pm_flush(context, PM_SITE_RECOVERY_APPLY_FLUSH, header, sizeof *header + header->bytes);
    while (at < end) {
        struct image image = image_at(at);
        const struct pmd_leaf *leaf = (const struct pmd_leaf *)pool_at(pool, image.off);

        if (!image.is_sum && image.off % PM_LEAF_BYTES == 0) {
            pm_flush(context, PM_SITE_RECOVERY_APPLY_FLUSH, leaf, sizeof *leaf);
            if ((image.data[0] >> 48) == UINT16_MAX)
                keep_spill(pool, context, leaf);
        }
        at += 8 + 8 * image.words;
    }
    return pm_drain(context, PM_SITE_RECOVERY_APPLY_DRAIN);
}

static enum pm_status apply_again(struct pool *pool, struct pm_context *context,
                                  const struct pmd_journal_header *header)
{
    const struct observer observer = {nobody_reads, nobody_reads, NULL};
    struct apply apply = {.pool = pool, .context = context, .site = PM_SITE_RECOVERY_APPLY_FLUSH};
    enum pm_status status;

    if (!images_are_sound(pool, header)) {
        log_error("journal", "a complete batch names what is no leaf batch=%llu", (unsigned long long)header->batch);
        return PM_DAMAGED;
    }
    status = keep_batch(pool, context, header);
    if (status != PM_OK)
        return status;
    apply_images(&apply, (const uint8_t *)(header + 1), header->bytes, &observer);
    return pm_drain(context, PM_SITE_RECOVERY_APPLY_DRAIN);
}

enum pm_status journal_recover(struct pool *pool, struct pm_context *context, uint64_t applied, bool read_only,
                               struct journal_state *out)
{
    const struct pmd_journal_header *header = NULL;

    memset(out, 0, sizeof *out);
    for (uint64_t half = 0; half < 2; half++)
        if (half_is_complete(pool, half) && (header == NULL || half_of(pool, half)->batch > header->batch))
            header = half_of(pool, half);
    if (header == NULL)
        return PM_OK;
    out->batch = header->batch;
    out->w = header->w;
    memcpy(out->keys, header->keys, sizeof out->keys);
    memcpy(out->expires, header->expires, sizeof out->expires);
    if (header->batch <= applied || read_only)
        return PM_OK;
    return apply_again(pool, context, header);
}
