/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pool that is nothing but memory with records laid by hand: what the hash index needs to compare keys.
 *
 * Object `number` has the key "key:%012d" and, version by version, records of its own place.
 */
#ifndef HEARTH_TESTS_SUPPORT_FAKE_POOL_H
#define HEARTH_TESTS_SUPPORT_FAKE_POOL_H

#include <stdio.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "persist/record.h"
#include "persist/skiplist.h"

enum { FAKE_KEY_LEN = 16, FAKE_RECORD_UNITS = 3 };
_Static_assert(sizeof(struct pmd_record) + FAKE_KEY_LEN <= FAKE_RECORD_UNITS * PM_UNIT, "a record fits its place");

struct fake_pool {
    struct pool pool;
    struct pm pm;
    uint64_t objects;
};

/* Objects 0 to objects - 1, each with versions 0 to versions - 1. */
static inline void fake_pool_open(struct fake_pool *fake, uint64_t objects, uint64_t versions)
{
    *fake = (struct fake_pool){.pm.bytes = (objects * versions + 1) * FAKE_RECORD_UNITS * PM_UNIT, .objects = objects};
    fake->pm.base =
        mmap(NULL, fake->pm.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(fake->pm.base != MAP_FAILED);
    fake->pool.pm = &fake->pm;
}

static inline void fake_pool_close(struct fake_pool *fake)
{
    munmap(fake->pm.base, fake->pm.bytes);
}

static inline pm_loc fake_loc(const struct fake_pool *fake, uint64_t object, uint64_t version)
{
    return (version * fake->objects + object + 1) * FAKE_RECORD_UNITS;
}
static inline uint64_t fake_object(const struct fake_pool *fake, pm_loc loc)
{
    return (loc / FAKE_RECORD_UNITS - 1) % fake->objects;
}
static inline uint64_t fake_version(const struct fake_pool *fake, pm_loc loc)
{
    return (loc / FAKE_RECORD_UNITS - 1) / fake->objects;
}

static inline uint64_t fake_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

struct fake_key {
    struct index_key key;
    char text[FAKE_KEY_LEN + 1];
};
static inline void fake_key(struct fake_key *key, uint64_t object, uint64_t hash)
{
    snprintf(key->text, sizeof key->text, "key:%012llu", (unsigned long long)(object % UINT64_C(1000000000000)));
    key->key = (struct index_key){.data = (const uint8_t *)key->text, .len = FAKE_KEY_LEN, .hash = hash};
}

/* Lays the record of an object's version; returns its location. */
static inline pm_loc fake_record(const struct fake_pool *fake, uint64_t object, uint64_t version)
{
    pm_loc loc = fake_loc(fake, object, version);
    struct pmd_record *record = (struct pmd_record *)(fake->pm.base + loc * PM_UNIT);
    struct fake_key key;

    fake_key(&key, object, 0);
    *record = (struct pmd_record){.kind = PMD_RECORD_FULL, .key_len = FAKE_KEY_LEN, .cts = version};
    memcpy(record + 1, key.text, FAKE_KEY_LEN);
    return loc;
}

#endif
