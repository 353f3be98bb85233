# SPDX-License-Identifier: BSD-3-Clause
# persist/: pool, log, ordered index, journal, recovery. libpmem is used only here.
# One file a line, headers too.
noinst_LIBRARIES += persist/libpersist.a
persist_libpersist_a_SOURCES = \
	persist/pm.c \
	persist/pm.h \
	persist/pm_backing.h \
	persist/pm_dax.c \
	persist/pm_file.c \
	persist/pm_layout.h \
	persist/pm_sim.c \
	persist/pm_sim.h \
	persist/pm_sim_crash.c \
	persist/pm_sim_private.h \
	persist/pm_sites.h \
	persist/pool.c \
	persist/pool.h \
	persist/pool_create.c \
	persist/pool_internal.h \
	persist/space.c \
	persist/superblock.c \
	persist/superblock.h
