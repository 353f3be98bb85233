# SPDX-License-Identifier: BSD-3-Clause
# persist/: pool, log, ordered index, journal, recovery. libpmem is used only here.
# One file a line, headers too.
noinst_LIBRARIES += persist/libpersist.a
persist_libpersist_a_SOURCES =
