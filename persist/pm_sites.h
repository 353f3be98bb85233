/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ordering points: every flush and every drain of the project has a row here, so that the simulated backing can
 * leave any one out by number and the crash tests must notice.
 *
 * PM_SITE(name, kind, needed, why): kind is flush or drain; needed is 1, or 0 where it is advisory (leaving it out
 * costs time or space after a crash, never an acknowledged write).
 */
#ifndef HEARTH_PERSIST_PM_SITES_H
#define HEARTH_PERSIST_PM_SITES_H

#define PM_SITES(PM_SITE) \
    PM_SITE(SUPERBLOCK_FLUSH, flush, 1, "a superblock copy before anybody builds on it") \
    PM_SITE(SUPERBLOCK_DRAIN, drain, 1, "the same") \
    PM_SITE(SEGMENT_FLUSH, flush, 1, "a segment's new state before the segment is used in it") \
    PM_SITE(SEGMENT_DRAIN, drain, 1, "the same") \
    PM_SITE(SEGMENT_SEAL_FLUSH, flush, 1, "recovery: accepted ends before anything new is written") \
    PM_SITE(SEGMENT_SEAL_DRAIN, drain, 1, "the same") \
    PM_SITE(SEGMENT_INDEXED_FLUSH, flush, 0, "a log segment wholly at or below W: only spares replay the reading") \
    PM_SITE(TURN_FLUSH, flush, 1, "the records of a turn before its replies") \
    PM_SITE(TURN_DRAIN, drain, 1, "the same") \
    PM_SITE(STREAM_FLUSH, flush, 1, "lines of a large value stored past the caches, which no other flush covers") \
    PM_SITE(STREAM_DRAIN, drain, 1, "the same: before others see the record") \
    PM_SITE(FOREIGN_FLUSH, flush, 1, "another writer's record that a turn read or replaced") \
    PM_SITE(FOREIGN_DRAIN, drain, 1, "the same") \
    PM_SITE(SYNC_LOG_FLUSH, flush, 1, "EPOCH mode: all records up to an epoch before e_sync names it") \
    PM_SITE(SYNC_LOG_DRAIN, drain, 1, "the same") \
    PM_SITE(ACCEPTED_FLUSH, flush, 1, "recovery: what was accepted (visible is not durable) before it is served") \
    PM_SITE(ACCEPTED_DRAIN, drain, 1, "the same") \
    PM_SITE(NEW_LEAF_FLUSH, flush, 1, "new leaves before the journal that links them") \
    PM_SITE(JOURNAL_FLUSH, flush, 1, "a batch's after-images before any is applied in place") \
    PM_SITE(JOURNAL_DRAIN, drain, 1, "the same, and the new leaves") \
    PM_SITE(APPLY_FLUSH, flush, 1, "a batch in place before the next journal overwrites the one before it") \
    PM_SITE(APPLY_DRAIN, drain, 1, "the same") \
    PM_SITE(TOWER_FLUSH, flush, 0, "tower hints") \
    PM_SITE(SURVIVOR_FLUSH, flush, 1, "copies before the index names them") \
    PM_SITE(SURVIVOR_DRAIN, drain, 1, "the same") \
    PM_SITE(RECOVERY_APPLY_FLUSH, flush, 1, "recovery: the journal applied again before it is called applied") \
    PM_SITE(RECOVERY_APPLY_DRAIN, drain, 1, "the same") \
    PM_SITE(CREATE_FLUSH, flush, 1, "a new pool's table, journal and head leaf before its superblock") \
    PM_SITE(CREATE_DRAIN, drain, 1, "the same")

#define PM_SITE_ENUM(name, kind, needed, why) PM_SITE_##name,
enum pm_site { PM_SITES(PM_SITE_ENUM) PM_SITE_COUNT };
#undef PM_SITE_ENUM

#endif
