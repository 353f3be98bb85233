# SPDX-License-Identifier: BSD-3-Clause
# server/: processes, sockets, threads, commands, replies. libevent is used only here.
# One file a line, headers too.
noinst_LIBRARIES += server/libserver.a
server_libserver_a_SOURCES = \
	server/client.c \
	server/client.h \
	server/command.c \
	server/command.h \
	server/command_line.c \
	server/config.c \
	server/config_file.c \
	server/conn.c \
	server/conn.h \
	server/execute.c \
	server/fault.c \
	server/listener.c \
	server/listener.h \
	server/option_table.h \
	server/options.c \
	server/options.h \
	server/options_parse.h \
	server/options_print.c \
	server/options_print.h \
	server/process.c \
	server/process.h \
	server/request.c \
	server/request.h \
	server/server.c \
	server/server.h \
	server/server_run.h \
	server/stats.c \
	server/stats.h \
	server/turn.c \
	server/turn.h \
	server/worker.c \
	server/worker.h

# main.c alone stands outside the archive, so that unit tests can link the rest.
if HAVE_SERVER_MAIN
bin_PROGRAMS += server/hearthd
server_hearthd_SOURCES = server/main.c
server_hearthd_LDADD = $(SERVER_LIBS)
endif
