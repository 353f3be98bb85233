/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The version of Redis whose commands and replies are spoken here; clients look at it to know what they may ask.
 */
#ifndef HEARTH_SERVER_REDIS_VERSION_H
#define HEARTH_SERVER_REDIS_VERSION_H

#define REDIS_VERSION_SPOKEN "7.0.15"

/* The same for memcached, whose clients ask by `version` and `stats`. */
#define MEMCACHE_VERSION_SPOKEN "1.6.18"

#endif
