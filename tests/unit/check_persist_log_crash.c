/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: whatever a crash leaves of the log, a start finds a prefix of each writer's log with everything that was
 * promised in it, transactions whole, in EPOCH mode a prefix of epochs; a crash inside that start changes nothing; and
 * each flush and drain is there for a reason.
 * Method: two writers take turns at random in one thread: records, transactions over segments, records of the other
 * made durable, sync groups, cuts that move W and free segments. At the crash points the process is forked, crashed,
 * recovered and compared with the list of deeds; then the next life writes, and recovers once more. Mutants leave out
 * one flush or drain and must be caught.
 */
#include "base/assert.h"
#include "base/log.h"
#include "tests/support/crash.h"
#include "tests/support/life.h"
#include "tests/unit/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEEDS_MAX = 2048, NEW_KEYS = 90000000, STEPS = 160 };

struct deed {
    uint64_t cts;
    uint32_t key, value_bytes;
    uint32_t transaction; /* 0: alone */
    uint8_t kind;
    bool whole; /* appended, or about to be, and so is the rest of its transaction */
    bool done;  /* and that call has returned */
    bool acked; /* promised */
};

struct story {
    struct life life;
    struct crash_run run;
    enum pmd_commit_mode mode;
    uint64_t random;
    uint32_t count;
    struct deed deeds[DEEDS_MAX];
    uint32_t transactions;
    pm_loc last_loc[LIFE_WRITERS];    /* of the last whole deed of a writer, */
    uint32_t last_deed[LIFE_WRITERS]; /* and its number */
    uint64_t w, w_next;
    uint64_t read_count;
};

static struct story story;

static uint64_t draw(uint64_t below)
{
    uint64_t z = story.random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static uint32_t writer_of(uint64_t cts)
{
    return (uint32_t)(cts & ((1 << CTS_WRITER_BITS) - 1));
}

/* ---- the judge ---- */

static bool wrong(const char *what, uint64_t a, uint64_t b)
{
    if (!story.run.plan.quiet)
        fprintf(stderr, "%s: %" PRIu64 " %" PRIu64 "\n", what, a, b);
    return false;
}

/* Next deed of a writer that recovery may have given, from number `i` on. */
static uint32_t next_deed(uint32_t i, uint32_t writer, uint64_t w)
{
    while (i < story.count && (writer_of(story.deeds[i].cts) != writer || cts_epoch(story.deeds[i].cts) <= w))
        i++;
    return i;
}

static bool same(const struct deed *deed, const struct life_item *item)
{
    return deed->cts == item->cts && deed->key == item->key && deed->value_bytes == item->value_bytes &&
           deed->kind == item->kind && item->sound && deed->whole;
}

/* What recovery gave of one writer is a prefix with all that was promised. */
static bool judge_writer(const struct life *next, uint32_t writer, uint64_t highest_epoch)
{
    uint64_t w = next->recovery.w;
    uint32_t transaction = 0, i = next_deed(0, writer, w);

    for (uint32_t j = 0; j < next->item_count; j++) {
        const struct life_item *item = &next->items[j];

        if (writer_of(item->cts) != writer || item->key >= NEW_KEYS)
            continue;
        if (i >= story.count || !same(&story.deeds[i], item))
            return wrong("not the next deed: number, cts", i, item->cts);
        transaction = story.deeds[i].transaction;
        i = next_deed(i + 1, writer, w);
    }
    if (i < story.count && transaction != 0 && story.deeds[i].transaction == transaction)
        return wrong("a part of a transaction: number, deed", transaction, i);
    for (; i < story.count; i = next_deed(i + 1, writer, w)) {
        if (story.deeds[i].acked)
            return wrong("lost: deed, cts", i, story.deeds[i].cts);
        if (story.mode == PMD_COMMIT_EPOCH && story.deeds[i].done && cts_epoch(story.deeds[i].cts) <= highest_epoch)
            return wrong("no prefix of epochs: deed, epoch", i, highest_epoch);
    }
    return true;
}

static bool judge(const struct life *next)
{
    uint64_t highest = 0, w = next->recovery.w;

    if (w != story.w && w != story.w_next)
        return wrong("W", w, story.w);
    for (uint32_t i = 0; i < story.count; i++) {
        if (cts_epoch(story.deeds[i].cts) <= w && !story.deeds[i].acked)
            return wrong("W covers what was not promised: deed, W", i, w);
    }
    for (uint32_t i = 0; i < next->item_count; i++) {
        if (next->items[i].key < NEW_KEYS && cts_epoch(next->items[i].cts) > highest)
            highest = cts_epoch(next->items[i].cts);
    }
    for (uint32_t writer = 0; writer < LIFE_WRITERS; writer++) {
        if (!judge_writer(next, writer, highest))
            return false;
    }
    return true;
}

static uint32_t count_new(const struct life *next)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < next->item_count; i++)
        count += next->items[i].key >= NEW_KEYS;
    return count;
}

/* The next life writes on; its timestamps are above all others. */
static bool write_on(struct life *next)
{
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t cts = record_at(next->pool, life_put_turn(next, i % 2, NEW_KEYS + i, 3000 * i))->cts;

        for (uint32_t j = 0; j < story.count; j++) {
            if (cts <= story.deeds[j].cts)
                return wrong("timestamp given twice", cts, j);
        }
    }
    while (log_sync_step(next->log, &next->context) == LOG_SYNC_WAIT)
        ;
    return true;
}

static bool recover(struct pm *pm, void *context)
{
    static struct life next;
    /* The mode of a life is its own affair: half of the next ones have another. */
    struct life_options options = {.mode = story.count % 2 ? PMD_COMMIT_TURN : PMD_COMMIT_EPOCH};
    enum pm_status status = life_begin(&next, pm, &options);
    uint32_t new_before;

    (void)context;
    if (status != PM_OK)
        return wrong(pm_status_text(status), (uint64_t)status, 0);
    if (!judge(&next) || !write_on(&next))
        return false;
    new_before = count_new(&next);
    life_end(&next);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    status = life_begin(&next, pm, &options);
    if (status != PM_OK)
        return wrong("second recovery", (uint64_t)status, 0);
    if (!judge(&next))
        return false;
    return count_new(&next) >= new_before + 4 || wrong("new records are lost", count_new(&next), new_before);
}

/* ---- the story ---- */

static struct log_writer *writer(uint32_t number)
{
    return log_writer(story.life.log, number);
}

static void ack(uint32_t number, uint32_t last, uint64_t epoch)
{
    for (uint32_t i = 0; i <= last && i < story.count; i++) {
        if (writer_of(story.deeds[i].cts) == number && cts_epoch(story.deeds[i].cts) <= epoch)
            story.deeds[i].acked = true;
    }
}

static uint32_t draw_bytes(void)
{
    return (uint32_t)(draw(8) == 0 ? 4000 + draw(20000) : draw(300));
}

static void append(uint32_t number, uint32_t value_bytes, uint32_t transaction)
{
    uint64_t above = story.count > 0 && draw(3) == 0 ? story.deeds[draw(story.count)].cts : 0;
    struct deed *deed = &story.deeds[story.count];
    struct life_item item;

    must(story.count < DEEDS_MAX);
    *deed = (struct deed){.key = story.count,
                          .value_bytes = value_bytes,
                          .transaction = transaction,
                          .kind = draw(5) == 0 ? PMD_RECORD_TOMBSTONE : PMD_RECORD_FULL};
    deed->cts = log_draw_cts(writer(number), above);
    item = (struct life_item){.cts = deed->cts, .key = deed->key, .value_bytes = value_bytes, .kind = deed->kind};
    /* Crash points lie inside the append, where a large record is streamed or flushed ahead: it may be there, and is whole
     * by itself. */
    deed->whole = transaction == 0;
    story.count++;
    story.last_loc[number] = life_append(&story.life, number, &item, transaction != 0);
    deed->done = deed->whole;
    story.last_deed[number] = story.count - 1;
}

static void put_one(uint32_t number)
{
    uint32_t bytes = draw_bytes();

    if (log_reserve(writer(number), SPACE_USER, life_record_bytes(bytes), 1) == PM_OK)
        append(number, bytes, 0);
}

static void put_transaction(uint32_t number)
{
    uint32_t members = 1 + (uint32_t)draw(6), bytes = draw_bytes(), first = story.count;

    if (log_reserve(writer(number), SPACE_USER, members * life_record_bytes(bytes), members) != PM_OK)
        return;
    log_transaction_begin(writer(number), members);
    story.transactions++;
    for (uint32_t i = 0; i < members; i++)
        append(number, bytes, story.transactions);
    if (draw(3) == 0)
        crash_here(&story.run);
    log_commit(writer(number), members);
    for (uint32_t i = first; i < story.count; i++)
        story.deeds[i].whole = story.deeds[i].done = true;
}

static void close_turn(uint32_t number)
{
    if (!log_turn_is_open(writer(number)))
        return;
    must(log_turn_close(writer(number)) == PM_OK);
    if (story.mode == PMD_COMMIT_TURN)
        ack(number, story.count, UINT64_MAX);
}

/* One meets the other's last record, and makes it durable. */
static void meet(uint32_t number)
{
    uint32_t other = 1 - number;
    pm_loc loc = story.last_loc[other];

    if (loc == 0 || log_is_durable(story.life.log, loc))
        return;
    must(log_make_durable(story.life.log, log_writer_context(writer(number)), loc) == PM_OK);
    ack(other, story.last_deed[other], UINT64_MAX);
}

static void sync_some(void)
{
    if (log_sync_step(story.life.log, &story.life.context) != LOG_SYNC_DONE)
        return;
    for (uint32_t i = 0; i < LIFE_WRITERS; i++)
        ack(i, story.count, log_synced_epoch(story.life.log));
}

static void note_read(const struct log_item *item, void *context)
{
    must(cts_epoch(item->view.header->cts) <= *(uint64_t *)context);
    story.read_count++;
}

static void set_w(struct pmd_superblock *superblock, void *argument)
{
    superblock->w = *(uint64_t *)argument;
}

static uint64_t deeds_up_to(uint64_t epoch)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < story.count; i++)
        count += cts_epoch(story.deeds[i].cts) <= epoch;
    return count;
}

/* The index writer and the cleaner, as if all were in the index and dead at once. */
static void cut(void)
{
    struct life *life = &story.life;
    uint64_t epoch = epoch_advance(&life->epochs);
    uint32_t segment, length;

    if (story.mode == PMD_COMMIT_EPOCH)
        sync_some();
    if (!epoch_passed(&life->epochs, epoch) || log_synced_epoch(life->log) < epoch)
        return;
    log_read(life->log, epoch, note_read, &epoch);
    must(story.read_count == deeds_up_to(epoch));
    story.w_next = epoch;
    must(pool_superblock_update(life->pool, &life->context, set_w, &epoch) == PM_OK);
    story.w = epoch;
    while (log_next_finished(life->log, epoch, &segment, &length)) {
        pool_set_segment(life->pool, &life->context, segment, PMD_SEGMENT_INDEXED, length,
                         PM_SITE_SEGMENT_INDEXED_FLUSH);
        if (draw(2) == 0)
            must(pool_free_segment(life->pool, &life->context, segment) == PM_OK);
    }
}

static void step(void)
{
    uint32_t number = (uint32_t)draw(LIFE_WRITERS);
    uint64_t dice = draw(20);

    if (pool_space_step(story.life.pool, &story.life.context, 4) && draw(2))
        return;
    if (dice < 10) {
        if (!log_turn_is_open(writer(number)))
            log_turn_begin(writer(number));
        if (draw(4) == 0)
            put_transaction(number);
        else
            put_one(number);
    } else if (dice < 14) {
        close_turn(number);
    } else if (dice < 16) {
        if (story.mode == PMD_COMMIT_TURN)
            meet(number);
        else
            sync_some();
    } else if (dice == 16) {
        close_turn(number);
        close_turn(1 - number);
        cut();
    } else if (dice == 17) {
        crash_here(&story.run);
    }
}

/* Plays the story and returns how many images were judged wrong. */
static uint64_t play(enum pm_sim_mode sim, enum pmd_commit_mode mode, const struct crash_plan *plan, enum pm_site skip)
{
    struct life_options options = {.mode = mode};
    struct pm *pm = life_sim(sim);
    uint64_t failures;

    memset(&story, 0, sizeof(story));
    story.mode = mode;
    story.random = plan->seed;
    must(life_begin(&story.life, pm, &options) == PM_OK);
    pm_sim_skip_site(pm, skip);
    crash_begin(&story.run, pm, plan);
    for (uint32_t i = 0; i < STEPS && !(plan->stop_at_first && story.run.failures); i++)
        step();
    failures = crash_end(&story.run);
    if (!plan->quiet)
        printf("  seed %" PRIu64 ": %u deeds, %" PRIu64 " points, %" PRIu64 " images\n", plan->seed, story.count,
               story.run.points, story.run.images);
    life_end(&story.life);
    pm_sim_free(pm);
    return failures;
}

/* HEARTH_LONG: more of everything. */
static uint64_t long_factor(void)
{
    const char *value = getenv("HEARTH_LONG");

    return value && strcmp(value, "1") == 0 ? 20 : 1;
}

static void run_stories(enum pm_sim_mode sim, enum pmd_commit_mode mode, bool killed)
{
    for (uint64_t seed = 1; seed <= 2 * long_factor(); seed++) {
        struct crash_plan plan = {
            .seed = seed, .images_a_point = 8, .images_max = 300, .nested = true, .killed = killed, .recover = recover};

        assert_int_equal(play(sim, mode, &plan, PM_SITE_COUNT), 0);
    }
}

static void check_lines_turn_mode(void **state)
{
    (void)state;
    run_stories(PM_SIM_LINES, PMD_COMMIT_TURN, true);
}

static void check_pages_turn_mode(void **state)
{
    (void)state;
    run_stories(PM_SIM_PAGES, PMD_COMMIT_TURN, true);
}

static void check_pages_epoch_mode(void **state)
{
    (void)state;
    run_stories(PM_SIM_PAGES, PMD_COMMIT_EPOCH, true);
}

static void check_lines_epoch_mode(void **state)
{
    (void)state;
    run_stories(PM_SIM_LINES, PMD_COMMIT_EPOCH, true);
}

/* Each site that this part of the project needs, left out, is noticed by some image. */
static void check_mutants(void **state)
{
    static const struct {
        enum pm_site site;
        enum pmd_commit_mode mode;
        const char *name;
    } mutants[] = {
        {PM_SITE_TURN_FLUSH, PMD_COMMIT_TURN, "TURN_FLUSH"},
        {PM_SITE_TURN_DRAIN, PMD_COMMIT_TURN, "TURN_DRAIN"},
        {PM_SITE_STREAM_FLUSH, PMD_COMMIT_TURN, "STREAM_FLUSH, turns"},
        {PM_SITE_STREAM_FLUSH, PMD_COMMIT_EPOCH, "STREAM_FLUSH, epochs"},
        {PM_SITE_STREAM_DRAIN, PMD_COMMIT_EPOCH, "STREAM_DRAIN"},
        {PM_SITE_FOREIGN_FLUSH, PMD_COMMIT_TURN, "FOREIGN_FLUSH"},
        {PM_SITE_FOREIGN_DRAIN, PMD_COMMIT_TURN, "FOREIGN_DRAIN"},
        {PM_SITE_SYNC_LOG_FLUSH, PMD_COMMIT_EPOCH, "SYNC_LOG_FLUSH"},
        {PM_SITE_SYNC_LOG_DRAIN, PMD_COMMIT_EPOCH, "SYNC_LOG_DRAIN"},
        {PM_SITE_SUPERBLOCK_FLUSH, PMD_COMMIT_EPOCH, "SUPERBLOCK_FLUSH"},
        {PM_SITE_SUPERBLOCK_DRAIN, PMD_COMMIT_EPOCH, "SUPERBLOCK_DRAIN"},
        {PM_SITE_SEGMENT_FLUSH, PMD_COMMIT_TURN, "SEGMENT_FLUSH"},
        {PM_SITE_SEGMENT_DRAIN, PMD_COMMIT_TURN, "SEGMENT_DRAIN"},
        {PM_SITE_ACCEPTED_FLUSH, PMD_COMMIT_TURN, "ACCEPTED_FLUSH"},
        {PM_SITE_ACCEPTED_DRAIN, PMD_COMMIT_TURN, "ACCEPTED_DRAIN"},
        {PM_SITE_SEGMENT_SEAL_FLUSH, PMD_COMMIT_TURN, "SEGMENT_SEAL_FLUSH"},
    };

    (void)state;
    if (CRASH_THIN > 1)
        skip();
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(mutants); i++) {
        uint64_t failures = 0;

        for (uint64_t seed = 1; seed <= 12 && failures == 0; seed++) {
            struct crash_plan plan = {.seed = seed,
                                      .images_a_point = 10,
                                      .images_max = 1500,
                                      .nested = true,
                                      .killed = true,
                                      .quiet = true,
                                      .stop_at_first = true,
                                      .recover = recover};

            failures = play(PM_SIM_LINES, mutants[i].mode, &plan, mutants[i].site);
        }
        if (failures == 0)
            print_message("mutant %s survives\n", mutants[i].name);
        assert_true(failures > 0);
    }
}

/* ---- seals ---- */

/* Only the first record was synced. */
static bool has_the_first(struct pm *pm, void *context)
{
    static struct life next;
    struct life_options options = {.mode = PMD_COMMIT_EPOCH};

    (void)context;
    return life_begin(&next, pm, &options) == PM_OK && next.item_count == 1 && next.items[0].key == 1;
}

/*
 * After a power cut a start rejects what reached the media above e_sync; every image of a second power cut inside that
 * start is taken. Were the superblock durable before a seal, its new e_sync would cover what was rejected.
 */
static uint64_t cut_in_sealing(enum pm_site skip)
{
    struct crash_plan plan = {.recover = has_the_first, .quiet = skip != PM_SITE_COUNT, .nested = true};
    struct life_options options = {.mode = PMD_COMMIT_EPOCH};
    struct pm *pm = life_sim(PM_SIM_LINES);
    struct crash_run run;
    uint64_t failures;

    must(life_begin(&story.life, pm, &options) == PM_OK);
    life_put_turn(&story.life, 0, 1, 100);
    must(log_sync_step(story.life.log, &story.life.context) == LOG_SYNC_DONE);
    for (uint32_t i = 2; i < 6; i++) {
        life_put_turn(&story.life, 0, i, 20000);
        life_put_turn(&story.life, 1, i, 20000);
    }
    life_end(&story.life);
    pm_sim_crash(pm, PM_SIM_ALL, 0, 0);
    pm_sim_skip_site(pm, skip);
    crash_begin(&run, pm, &plan);
    must(life_begin(&story.life, pm, &options) == PM_OK);
    failures = crash_end(&run);
    life_end(&story.life);
    pm_sim_free(pm);
    return failures;
}

static void check_power_cut_in_sealing(void **state)
{
    (void)state;
    assert_int_equal(cut_in_sealing(PM_SITE_COUNT), 0);
    if (CRASH_THIN > 1)
        return; /* the telling image may not be among those that are taken */
    assert_true(cut_in_sealing(PM_SITE_SEGMENT_SEAL_DRAIN) > 0);
    assert_true(cut_in_sealing(PM_SITE_SEGMENT_SEAL_FLUSH) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_lines_turn_mode),      cmocka_unit_test(check_pages_turn_mode),
        cmocka_unit_test(check_pages_epoch_mode),     cmocka_unit_test(check_lines_epoch_mode),
        cmocka_unit_test(check_power_cut_in_sealing), cmocka_unit_test(check_mutants),
    };

    log_set_level(LOG_LEVEL_ERROR); /* torn superblocks are what one expects here */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
