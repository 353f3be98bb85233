# SPDX-License-Identifier: BSD-3-Clause
# base/: what every layer needs, on libc alone. One file a line, headers too.
noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/assert.c \
	base/assert.h \
	base/buf.c \
	base/buf.h \
	base/clock.c \
	base/clock.h \
	base/compiler.h \
	base/epoch.c \
	base/epoch.h \
	base/glob.c \
	base/glob.h \
	base/log.c \
	base/log.h \
	base/number.c \
	base/number.h \
	base/slice.c \
	base/slice.h \
	base/text.c \
	base/text.h
