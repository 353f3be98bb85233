/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options: one row each. See options.h for what is made of them.
 *
 * ROW(ID, name, type, default, lowest, highest, WHEN, argument, help)
 *   type      TEXT, SECRET, NUMBER, SIZE (1gb, 64mb), DURATION (1s, 250ms; a bare number is in milliseconds), OCTAL,
 *             YES_NO, CHOICE
 *   bounds    of numbers, in the base unit (bytes, milliseconds); of others 0
 *   WHEN      START: needs a restart; RUNTIME: CONFIG SET changes it
 *   argument  of a choice its values; else what the manual shows for the value
 *   help      whole sentences; they become the manual and the comments of conf/hearth.conf
 */
#ifndef HEARTH_SERVER_OPTION_TABLE_H
#define HEARTH_SERVER_OPTION_TABLE_H

#define OPTION_KB UINT64_C(1024)
#define OPTION_MB (1024 * OPTION_KB)
#define OPTION_GB (1024 * OPTION_MB)

#define OPTIONS(ROW) \
    ROW(POOL, "pool", TEXT, "hearth.pool", 0, 0, START, "FILE", \
        "The pool: the one file that holds everything. It is made when it does not exist. A file on a DAX file " \
        "system is used as persistent memory, any other through the page cache.") \
    ROW(POOL_SIZE, "pool-size", SIZE, "1gb", 64 * OPTION_MB, 1024 * OPTION_GB, START, "SIZE", \
        "Size of a pool that is made. A pool that exists keeps the size it has.") \
    ROW(THREADS, "threads", NUMBER, "4", 1, 64, START, "NUMBER", \
        "Worker threads. Each serves its connections in an event loop of its own.") \
    ROW(DURABILITY, "durability", CHOICE, "default", 0, 0, START, "default|power|process", \
        "What an acknowledged write survives. power: a power cut. process: the death of the server in any way; a " \
        "power cut may take back what is younger than sync-interval. default: power on a DAX file system, process " \
        "on any other.") \
    ROW(SYNC_INTERVAL, "sync-interval", DURATION, "1s", 1, 3600 * 1000, RUNTIME, "TIME", \
        "With durability process on a file: how often everything is made safe from a power cut.") \
    ROW(TRUST_PMEM, "trust-pmem", YES_NO, "no", 0, 0, START, "yes|no", \
        "Treat a mapping as persistent memory although the system does not say that it is. For tests on tmpfs: " \
        "nothing survives a power cut there, and every report says so.") \
    ROW(RESTART_TAIL, "restart-tail", SIZE, "32mb", 1 * OPTION_MB, 4 * OPTION_GB, START, "SIZE", \
        "Most of the log that a restart has to read again. It bounds the time to the first hit; writers are slowed " \
        "rather than exceed it.") \
    ROW(ON_DAMAGE, "on-damage", CHOICE, "refuse", 0, 0, START, "refuse|reset", \
        "What to do with a pool that is damaged. refuse: stop with a message and leave it alone. reset: throw away " \
        "what it holds and start empty.") \
    ROW(ACCEPT_CLOCK, "accept-clock", YES_NO, "no", 0, 0, START, "yes|no", \
        "Start although the system's clock is more than a day away from the last time that the pool has seen. " \
        "Objects would expire by the new clock.") \
    ROW(EVICTION, "eviction", CHOICE, "cache", 0, 0, RUNTIME, "cache|none", \
        "What to do when the pool is full. cache: drop what has not been read for longest. none: refuse writes, and " \
        "go on serving reads and deletes.") \
    ROW(BIND, "bind", TEXT, "127.0.0.1 -::1", 0, 0, START, "ADDRESS ...", \
        "Addresses to listen on, for both protocols. One with a minus in front may be unavailable. 0.0.0.0 and :: " \
        "stand for all; then see to a firewall, and to requirepass.") \
    ROW(MEMCACHE_PORT, "memcache-port", NUMBER, "11211", 0, 65535, START, "PORT", \
        "TCP port of memcached's protocol; 0 for none.") \
    ROW(REDIS_PORT, "redis-port", NUMBER, "6379", 0, 65535, START, "PORT", \
        "TCP port of Redis's protocol; 0 for none. The name port means the same.") \
    ROW(UNIXSOCKET, "unixsocket", TEXT, "", 0, 0, START, "PATH", "Unix socket of Redis's protocol.") \
    ROW(MEMCACHE_UNIXSOCKET, "memcache-unixsocket", TEXT, "", 0, 0, START, "PATH", \
        "Unix socket of memcached's protocol.") \
    ROW(UNIXSOCKETPERM, "unixsocketperm", OCTAL, "700", 0, 0777, START, "MODE", \
        "Permissions of the unix sockets, in octal.") \
    ROW(TCP_BACKLOG, "tcp-backlog", NUMBER, "511", 1, 65535, START, "NUMBER", \
        "Connections that may wait for being accepted; the system may lower it.") \
    ROW(MAXCLIENTS, "maxclients", NUMBER, "10000", 1, 1000000, RUNTIME, "NUMBER", \
        "Most connections at a time, both protocols together. The limit on open files is raised for it.") \
    ROW(REQUIREPASS, "requirepass", SECRET, "", 0, 0, RUNTIME, "PASSWORD", \
        "Password that clients of Redis's protocol must give by AUTH. memcached's protocol has none: if it matters, " \
        "turn memcache-port off or bind it to loopback.") \
    ROW(USER, "user", TEXT, "", 0, 0, START, "NAME", \
        "User to become after the sockets have been opened, when started as root. Unix sockets, pid file and log " \
        "file are given to that user; the pool, or the folder to make it in, must be accessible to it.") \
    ROW(PIDFILE, "pidfile", TEXT, "", 0, 0, START, "PATH", \
        "File for the number of the process; removed at a clean stop.") \
    ROW(LOGFILE, "logfile", TEXT, "", 0, 0, START, "PATH", \
        "File of the log; standard error when there is none. SIGHUP opens it again under its name.") \
    ROW(LOGLEVEL, "loglevel", CHOICE, "notice", 0, 0, RUNTIME, "debug|verbose|info|notice|warning|warn|error", \
        "The least severe messages to log. verbose means info, and warning warn.") \
    ROW(DAEMONIZE, "daemonize", YES_NO, "no", 0, 0, START, "yes|no", \
        "Run in the background. The command returns when the server is ready to serve, or has failed.")

#endif
