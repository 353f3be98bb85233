# SPDX-License-Identifier: BSD-3-Clause
# heap/: objects, versions, allocation, DRAM tiers, cleaning.
# One file a line, headers too.
noinst_LIBRARIES += heap/libheap.a
heap_libheap_a_SOURCES = \
	heap/fill.c \
	heap/fill.h \
	heap/hash_index.c \
	heap/hash_index.h \
	heap/hash_index_chain.c \
	heap/hash_index_grow.c \
	heap/hash_index_private.h \
	heap/hash_index_scan.c
