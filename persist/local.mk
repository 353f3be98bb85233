# SPDX-License-Identifier: BSD-3-Clause
# persist/: pool, log, ordered index, journal, recovery. libpmem is used only here.
# One file a line, headers too.
noinst_LIBRARIES += persist/libpersist.a
persist_libpersist_a_SOURCES = \
	persist/index_key.h \
	persist/index_ops_sort.c \
	persist/index_writer.c \
	persist/index_writer.h \
	persist/journal.c \
	persist/journal.h \
	persist/key_hash.c \
	persist/log.c \
	persist/log.h \
	persist/log_append.c \
	persist/log_internal.h \
	persist/log_read.c \
	persist/log_stamp.c \
	persist/log_sync.c \
	persist/pm.c \
	persist/pm.h \
	persist/pm_backing.h \
	persist/pm_dax.c \
	persist/pm_file.c \
	persist/pm_layout.h \
	persist/pm_open.c \
	persist/pm_sim.c \
	persist/pm_sim.h \
	persist/pm_sim_arena.c \
	persist/pm_sim_arena.h \
	persist/pm_sim_crash.c \
	persist/pm_sim_private.h \
	persist/pm_sites.h \
	persist/pool.c \
	persist/pool.h \
	persist/pool_create.c \
	persist/pool_internal.h \
	persist/record.c \
	persist/record.h \
	persist/recovery.c \
	persist/recovery.h \
	persist/recovery_chain.c \
	persist/recovery_internal.h \
	persist/recovery_scan.c \
	persist/segment_walk.c \
	persist/segment_walk.h \
	persist/skiplist.c \
	persist/skiplist.h \
	persist/skiplist_batch.c \
	persist/skiplist_build.c \
	persist/skiplist_check.c \
	persist/skiplist_directory.c \
	persist/skiplist_directory.h \
	persist/skiplist_drop.c \
	persist/skiplist_group.c \
	persist/skiplist_internal.h \
	persist/skiplist_leaf.c \
	persist/skiplist_leaf.h \
	persist/skiplist_merge.c \
	persist/skiplist_read.c \
	persist/skiplist_space.c \
	persist/skiplist_space.h \
	persist/skiplist_split.c \
	persist/skiplist_tower.c \
	persist/skiplist_walk.c \
	persist/space.c \
	persist/superblock.c \
	persist/superblock.h
