/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash of long inputs, by the library's choice of instructions where it offers one.
 */
#include "persist/hash64.h"

#ifdef HAVE_XXH3_64BITS_WITHSEED_DISPATCH
XXH64_hash_t XXH3_64bits_withSeed_dispatch(const void *bytes, size_t len, XXH64_hash_t seed);

uint64_t hash64_long(const void *bytes, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed_dispatch(bytes, len, seed);
}
#else
uint64_t hash64_long(const void *bytes, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, len, seed);
}
#endif
