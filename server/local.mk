# SPDX-License-Identifier: BSD-3-Clause
# server/: processes, sockets, threads, commands, replies. libevent is used only here.
# One file a line, headers too.
noinst_LIBRARIES += server/libserver.a
server_libserver_a_SOURCES =

# main.c alone stands outside the archive, so that unit tests can link the rest.
if HAVE_SERVER_MAIN
bin_PROGRAMS += server/hearthd
server_hearthd_SOURCES = server/main.c
server_hearthd_LDADD = $(SERVER_LIBS)
endif
