/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash that all checksums and key hashes are made of: XXH3_64 with a seed.
 *
 * IDEA: short inputs are hashed inline, in fewer cycles than a call takes; long ones by the library, which takes the
 * widest vectors that the processor has (the inline code only those that every processor has). The journal alone, which
 * lies in two pieces, goes through XXH3's streaming form of the same hash.
 */
#ifndef HEARTH_PERSIST_HASH64_H
#define HEARTH_PERSIST_HASH64_H

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { HASH64_SHORT = 240 }; /* what XXH3 hashes without its loop over stripes */

uint64_t hash64_long(const void *bytes, size_t len, uint64_t seed);

static inline uint64_t hash64(const void *bytes, size_t len, uint64_t seed)
{
    return len <= HASH64_SHORT ? XXH3_64bits_withSeed(bytes, len, seed) : hash64_long(bytes, len, seed);
}

#endif
