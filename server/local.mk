# SPDX-License-Identifier: BSD-3-Clause
# server/: processes, sockets, threads, commands, replies. libevent is used only here.
# One file a line, headers too.
noinst_LIBRARIES += server/libserver.a
server_libserver_a_SOURCES = \
	server/client.c \
	server/client.h \
	server/command.c \
	server/command.h \
	server/command_describe.c \
	server/command_describe.h \
	server/command_line.c \
	server/config.c \
	server/config_file.c \
	server/conn.c \
	server/conn.h \
	server/execute.c \
	server/exptime.c \
	server/exptime.h \
	server/fault.c \
	server/listener.c \
	server/listener.h \
	server/loan.c \
	server/loan.h \
	server/memcache_commands.c \
	server/memcache_internal.h \
	server/memcache_retrieve.c \
	server/memcache_room.c \
	server/memcache_stats.c \
	server/memcache_store.c \
	server/object_type.h \
	server/option_table.h \
	server/options.c \
	server/options.h \
	server/options_parse.h \
	server/options_print.c \
	server/options_print.h \
	server/process.c \
	server/process.h \
	server/redis_argument.c \
	server/redis_argument.h \
	server/redis_client.c \
	server/redis_command.c \
	server/redis_commands.c \
	server/redis_commands.h \
	server/redis_config.c \
	server/redis_connection.c \
	server/redis_counter.c \
	server/redis_debug.c \
	server/redis_expire.c \
	server/redis_float.c \
	server/redis_float.h \
	server/redis_info.c \
	server/redis_keyspace.c \
	server/redis_range.c \
	server/redis_range.h \
	server/redis_scan.c \
	server/redis_string.c \
	server/redis_strings.c \
	server/redis_value.h \
	server/redis_version.h \
	server/request.c \
	server/request.h \
	server/server.c \
	server/server.h \
	server/server_run.h \
	server/stats.c \
	server/stats.h \
	server/transaction.c \
	server/transaction.h \
	server/transaction_plan.c \
	server/turn.c \
	server/turn.h \
	server/worker.c \
	server/worker.h

# main.c alone stands outside the archive, so that unit tests can link the rest.
bin_PROGRAMS += server/hearthd
server_hearthd_SOURCES = server/main.c
server_hearthd_LDADD = $(SERVER_LIBS)
server_hearthd_LDFLAGS = $(WHOLE_PROGRAM_FLAGS)

# Printed by `hearthd --print-conf`; tests/run/server-basics.py sees that it is up to date.

# tests/run/cross-protocol.py holds its transcripts against the rows of this page.
EXTRA_DIST += server/CROSS_PROTOCOL.md
