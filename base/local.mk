# SPDX-License-Identifier: BSD-3-Clause
# base/: what every layer needs, on libc alone. One file a line, headers too.
noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/assert.c \
	base/assert.h \
	base/compiler.h \
	base/log.c \
	base/log.h
