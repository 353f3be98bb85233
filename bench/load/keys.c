/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The distributions.
 */
#include "bench/load/keys.h"

#include <math.h>

#include "base/assert.h"

/* Summed term by term up to here, then by the Euler-Maclaurin formula, whose next term is below 1e-17. */
#define ZETA_EXACT 10000

/* Two primes: a count below 2^32 cannot be a multiple of both. */
#define MULTIPLIER UINT64_C(2654435761)
#define MULTIPLIER_ELSE UINT64_C(2246822519)

double keys_zeta(uint64_t n, double theta)
{
    uint64_t exact = n < ZETA_EXACT ? n : ZETA_EXACT;
    double from = (double)exact;
    double to = (double)n;
    double sum = 0;

    for (uint64_t i = exact; i >= 1; i--)
        sum += pow((double)i, -theta);
    if (n == exact)
        return sum;
    sum += (pow(to, 1 - theta) - pow(from, 1 - theta)) / (1 - theta);
    sum += (pow(to, -theta) - pow(from, -theta)) / 2;
    return sum - theta * (pow(to, -theta - 1) - pow(from, -theta - 1)) / 12;
}

const char *keys_distribution_name(enum keys_distribution distribution)
{
    static const char *const names[] = {"uniform", "zipf", "hotset", "sequential", "latest"};

    return names[distribution];
}

static void init_zipf(struct keys *keys, double theta)
{
    double n = (double)keys->count;

    keys->zeta = keys_zeta(keys->count, theta);
    keys->alpha = 1 / (1 - theta);
    keys->second = 1 + pow(0.5, theta);
    keys->eta = (1 - pow(2 / n, 1 - theta)) / (1 - keys_zeta(2, theta) / keys->zeta);
}

void keys_init(struct keys *keys, enum keys_distribution distribution, uint64_t first, uint64_t count, double theta,
               double hot_keys, double hot_requests, uint64_t margin)
{
    must(count > 0 && count >> 32 == 0);
    *keys = (struct keys){.distribution = distribution, .first = first, .count = count, .margin = margin};
    keys->multiplier = count % MULTIPLIER == 0 ? MULTIPLIER_ELSE : MULTIPLIER;
    if ((distribution == KEYS_ZIPF || distribution == KEYS_LATEST) && count > 2)
        init_zipf(keys, theta);
    keys->hot_count = (uint64_t)llround(hot_keys * (double)count);
    keys->hot_limit = random_limit(hot_requests);
    if (keys->hot_count == 0)
        keys->hot_count = 1;
    if (keys->hot_count >= count) {
        keys->hot_count = count;
        keys->hot_limit = UINT64_MAX;
    }
}

/* Where part `index` of so many parts begins: the first ones have one key more when they cannot be alike. */
static uint64_t part_begin(uint64_t count, unsigned index, unsigned parts)
{
    uint64_t longer = count % parts;

    return count / parts * index + (index < longer ? index : longer);
}

struct key_cursor keys_cursor(const struct keys *keys, uint64_t seed, unsigned index, unsigned workers)
{
    struct key_cursor cursor = {
        .random = random_open(seed, index),
        .begin = part_begin(keys->count, index, workers),
        .end = part_begin(keys->count, index + 1, workers),
    };

    if (cursor.begin == cursor.end) /* fewer keys than workers */
        cursor.end = cursor.begin + 1;
    cursor.at = cursor.begin;
    return cursor;
}

/* The key of a rank: a permutation of [0, count). */
static uint64_t scatter(const struct keys *keys, uint64_t rank)
{
    return rank * keys->multiplier % keys->count;
}

static uint64_t zipf_rank(const struct keys *keys, struct random *random)
{
    double u = random_unit(random);
    double uz = u * keys->zeta;
    uint64_t rank;

    if (keys->count <= 2) /* too few for the approximation */
        return u * (double)keys->count < 1 ? 0 : keys->count - 1;
    if (uz < 1)
        return 0;
    if (uz < keys->second)
        return 1;
    rank = (uint64_t)((double)keys->count * pow(keys->eta * u - keys->eta + 1, keys->alpha));
    return rank < keys->count ? rank : keys->count - 1;
}

static uint64_t hotset_rank(const struct keys *keys, struct random *random)
{
    if (random_next(random) <= keys->hot_limit)
        return random_below(random, keys->hot_count);
    return keys->hot_count + random_below(random, keys->count - keys->hot_count);
}

/* An insert on a slow connection may be younger than the margin; to read it is a miss, nothing worse. */
static uint64_t latest_key(const struct keys *keys, struct random *random)
{
    uint64_t inserted = atomic_load_explicit(&keys->inserted, memory_order_relaxed);
    uint64_t settled = inserted > keys->margin ? inserted - keys->margin : 0;

    return keys->count + settled - 1 - zipf_rank(keys, random);
}

static uint64_t sequential_key(struct key_cursor *cursor)
{
    uint64_t key = cursor->at++;

    if (cursor->at == cursor->end)
        cursor->at = cursor->begin;
    return key;
}

uint64_t keys_next(const struct keys *keys, struct key_cursor *cursor)
{
    switch (keys->distribution) {
    case KEYS_UNIFORM:
        return keys->first + random_below(&cursor->random, keys->count);
    case KEYS_ZIPF:
        return keys->first + scatter(keys, zipf_rank(keys, &cursor->random));
    case KEYS_HOTSET:
        return keys->first + scatter(keys, hotset_rank(keys, &cursor->random));
    case KEYS_SEQUENTIAL:
        return keys->first + sequential_key(cursor);
    case KEYS_LATEST:
        return keys->first + latest_key(keys, &cursor->random);
    }
    never("no such distribution");
}

uint64_t keys_insert(struct keys *keys)
{
    return keys->first + keys->count + atomic_fetch_add_explicit(&keys->inserted, 1, memory_order_relaxed);
}
