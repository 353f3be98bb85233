/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    Transactions stay whole and a thread sees what it wrote while cleaning, eviction, index batches, syncs and
 *         restarts happen all the time.
 * METHOD  The heap's real threads and two clients over a file with small segments.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "heap/heap_internal.h"
#include "tests/support/heap_requests.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16 };

struct client {
    pthread_t thread;
    struct heap *heap;
    uint32_t number;
    uint64_t seed;
    uint64_t torn, wrong;
};

enum { TURNS = 1500, PAIRS = 50, OWN = 200 };

static uint64_t draw(struct client *client, uint64_t below)
{
    client->seed = client->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (client->seed >> 33) % below;
}

/* Writes two keys of a pair with one value in a transaction. */
static void write_pair(struct client *client, struct heap_worker *worker, uint64_t pair)
{
    struct index_key keys[2];
    char texts[2][32], value[64];
    struct log_part part = {
        value, (size_t)snprintf(value, sizeof value, "%u:%" PRIu64, client->number, draw(client, 1 << 30))};
    struct heap_put what = {.parts = &part, .part_count = 1};

    if (heap_reserve(worker, 2 * heap_bytes(32, 64), 2, false) != HEAP_RESERVED)
        return;
    for (int i = 0; i < 2; i++) {
        int len = snprintf(texts[i], sizeof texts[i], "pair:%" PRIu64 ":%d", pair, i);
        heap_key(client->heap, &keys[i], 0, texts[i], (size_t)len);
    }
    assert_true(heap_transaction_begin(worker, keys, 2));
    for (int i = 0; i < 2; i++) {
        struct heap_edit edit;

        heap_edit_begin(worker, &keys[i], &edit);
        heap_edit_put(&edit, &what);
        heap_edit_end(&edit);
    }
    heap_transaction_commit(worker);
}

/* Both keys of a pair are read under their locks: they never differ. */
static void read_pair(struct client *client, struct heap_worker *worker, uint64_t pair)
{
    struct index_key keys[2];
    struct object objects[2];
    char texts[2][32];
    bool found[2];

    for (int i = 0; i < 2; i++) {
        int len = snprintf(texts[i], sizeof texts[i], "pair:%" PRIu64 ":%d", pair, i);
        heap_key(client->heap, &keys[i], 0, texts[i], (size_t)len);
    }
    assert_true(heap_transaction_begin(worker, keys, 2));
    for (int i = 0; i < 2; i++)
        found[i] = heap_get(worker, &keys[i], &objects[i]);
    heap_transaction_commit(worker);
    if (found[0] != found[1] || (found[0] && (objects[0].value_len != objects[1].value_len ||
                                              memcmp(objects[0].value, objects[1].value, objects[0].value_len) != 0)))
        client->torn++;
}

enum { HEAD_BYTES = 50, SMALL_BYTES = 100, LARGE_BYTES = 6000 }; /* past what is stored through the caches */

/* A head that tells, then one letter. */
static void write_own(struct client *client, struct heap_worker *worker, int turn, int request)
{
    char text[32], value[LARGE_BYTES + 1] = {0};

    memset(value, 'a' + turn % 26, draw(client, 2) == 0 ? SMALL_BYTES : LARGE_BYTES);
    value[snprintf(value, HEAD_BYTES, "%d:%d", turn, request)] = ':';
    snprintf(text, sizeof text, "own:%u:%" PRIu64, client->number, draw(client, OWN));
    if (put(worker, 0, text, value, strlen(value), 0) == HEAP_RESERVED && !has(worker, 0, text, value))
        client->wrong++;
}

/* What another thread has written a moment ago is all there. */
static void read_other(struct client *client, struct heap_worker *worker)
{
    struct index_key key;
    struct object object;
    char text[32];
    int len = snprintf(text, sizeof text, "own:%u:%" PRIu64, 1 - client->number, draw(client, OWN));

    heap_key(client->heap, &key, 0, text, (size_t)len);
    if (!heap_get(worker, &key, &object))
        return;
    for (uint32_t i = HEAD_BYTES; i < object.value_len; i++)
        client->torn += object.value[i] != object.value[HEAD_BYTES];
}

static void *client_main(void *argument)
{
    struct client *client = argument;
    struct heap_worker *worker = heap_worker(client->heap, client->number);
    static const char filler[3000];

    for (int i = 0; i < TURNS; i++) {
        uint64_t wait_epoch;
        char text[32];

        heap_turn_begin(worker, clock_wall_ms());
        for (int j = 0; j < 8; j++) {
            uint64_t what = draw(client, 10);

            if (what < 3)
                write_pair(client, worker, draw(client, PAIRS));
            else if (what < 6)
                read_pair(client, worker, draw(client, PAIRS));
            else if (what < 7) {
                snprintf(text, sizeof text, "fill:%u:%" PRIu64, client->number, draw(client, OWN));
                (void)put(worker, 1, text, filler, sizeof filler, 0);
            } else if (what < 8) {
                read_other(client, worker);
            } else {
                write_own(client, worker, i, j);
            }
        }
        if (heap_turn_end(worker, &wait_epoch))
            client->wrong++;
    }
    return NULL;
}

static void threads_over(enum heap_durability durability, bool trust_pmem)
{
    enum { CLIENTS = 2, SEGMENTS = 96 };
    char path[] = "/tmp/hearth-check-heap-XXXXXX";
    struct heap_options options = {.path = path,
                                   .pool_bytes = (uint64_t)SEGMENTS << SEGMENT_BITS,
                                   .segment_bits = SEGMENT_BITS,
                                   .workers = CLIENTS,
                                   .durability = durability,
                                   .trust_pmem = trust_pmem,
                                   .eviction = HEAP_EVICTION_CACHE,
                                   .sync_interval_ms = 20,
                                   .tail_records = 2000};
    struct client clients[CLIENTS];
    int fd = mkstemp(path);

    clock_test_reset();
    assert_true(fd >= 0);
    close(fd);
    for (int life = 0; life < 3; life++) {
        struct heap *heap;

        assert_int_equal(heap_open(&heap, &options), PM_OK);
        assert_int_equal(heap_start(heap), PM_OK);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            clients[i] = (struct client){.heap = heap, .number = i, .seed = (uint64_t)life * 100 + i};
            assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
        }
        for (uint32_t i = 0; i < CLIENTS; i++) {
            pthread_join(clients[i].thread, NULL);
            assert_int_equal(clients[i].torn, 0);
            assert_int_equal(clients[i].wrong, 0);
        }
        background_stop(heap);
        assert_int_equal(skiplist_check(heap->skiplist), PM_OK);
        heap_close(heap);
    }
    unlink(path);
}

static void check_threads_power(void **state)
{
    (void)state;
    threads_over(HEAP_DURABILITY_POWER, true);
}

static void check_threads_process(void **state)
{
    (void)state;
    threads_over(HEAP_DURABILITY_PROCESS, false);
}

/* The sync thread flushes beside the workers, around the lines of large values. */
static void check_threads_process_dax(void **state)
{
    (void)state;
    threads_over(HEAP_DURABILITY_PROCESS, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_threads_power),
        cmocka_unit_test(check_threads_process),
        cmocka_unit_test(check_threads_process_dax),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
