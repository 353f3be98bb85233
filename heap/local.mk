# SPDX-License-Identifier: BSD-3-Clause
# heap/: objects, versions, allocation, DRAM tiers, cleaning.
# One file a line, headers too.
noinst_LIBRARIES += heap/libheap.a
heap_libheap_a_SOURCES =
