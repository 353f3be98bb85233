# SPDX-License-Identifier: BSD-3-Clause
# heap/: objects, versions, allocation, DRAM tiers, cleaning.
# One file a line, headers too.
noinst_LIBRARIES += heap/libheap.a
heap_libheap_a_SOURCES = \
	heap/background.c \
	heap/cleaner.c \
	heap/cleaner.h \
	heap/cleaner_choose.c \
	heap/cleaner_internal.h \
	heap/cleaner_judge.c \
	heap/cleaner_move.c \
	heap/damage.c \
	heap/damage.h \
	heap/expire.c \
	heap/expire.h \
	heap/fill.c \
	heap/fill.h \
	heap/flush.c \
	heap/hash_index.c \
	heap/hash_index.h \
	heap/hash_index_chain.c \
	heap/hash_index_grow.c \
	heap/hash_index_match.h \
	heap/hash_index_private.h \
	heap/hash_index_scan.c \
	heap/heap.c \
	heap/heap.h \
	heap/heap_internal.h \
	heap/keyspace.c \
	heap/object.c \
	heap/scrub.c \
	heap/scrub.h \
	heap/stats.c \
	heap/transaction.c \
	heap/turn.c
