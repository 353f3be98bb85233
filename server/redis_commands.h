/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of Redis commands: one row a command, in groups, by name within a group; a container before its
 * subcommands.
 *
 * IDEA     A row is all there is to know about a command. Made of it: the dispatch, the arity check, the counters,
 *          COMMAND and COMMAND DOCS, the help of containers, the manual's section and the list of what transcripts
 *          must cover. The columns are those of struct command (command.h).
 * ADDING   a command: a row here, a handler, a transcript in tests/transcripts.
 * SOURCE   Names, arities, flags, key positions and routers' tips are those of Redis 7.0, as its COMMAND tells them;
 *          the words are our own.
 */
#ifndef HEARTH_SERVER_REDIS_COMMANDS_H
#define HEARTH_SERVER_REDIS_COMMANDS_H

#include "server/command.h"

/*
 * ROW(ID, "name", handler, reserve, arity, FLAGS, first_key, last_key, key_step, GROUP, "arguments", "summary",
 *     "complexity", "since", "access", "tips")
 */
/* clang-format off */
#define REDIS_COMMANDS(ROW) \
    /* Strings */ \
    ROW(APPEND, "append", redis_append, redis_append_reserve, 3, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key value", \
        "Puts a value behind the one that is stored; makes the key if it is missing.", \
        "O(n) in the length of the result", "2.0.0", "RW insert", "") \
    ROW(DECR, "decr", redis_decr, redis_counter_reserve, 2, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key", \
        "Takes 1 from the integer under a key; a missing key counts as 0.", \
        "O(1)", "1.0.0", "RW access update", "") \
    ROW(DECRBY, "decrby", redis_decrby, redis_counter_reserve, 3, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key decrement", \
        "Takes a number from the integer under a key; a missing key counts as 0.", \
        "O(1)", "1.0.0", "RW access update", "") \
    ROW(GET, "get", redis_get, NULL, 2, \
        COMMAND_READONLY | COMMAND_FAST, 1, 1, 1, STRING, \
        "key", \
        "Gives the value of a key.", \
        "O(1)", "1.0.0", "RO access", "") \
    ROW(GETDEL, "getdel", redis_getdel, NULL, 2, \
        COMMAND_WRITE | COMMAND_FAST | COMMAND_DELETES, 1, 1, 1, STRING, \
        "key", \
        "Gives the value of a key and deletes the key.", \
        "O(1)", "6.2.0", "RW access delete", "") \
    ROW(GETEX, "getex", redis_getex, command_reserve_rewrite, -2, \
        COMMAND_WRITE | COMMAND_FAST, 1, 1, 1, STRING, \
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | " \
        "PERSIST]", \
        "Gives the value of a key and changes or removes its expiry.", \
        "O(1)", "6.2.0", "RW access update", "") \
    ROW(GETRANGE, "getrange", redis_getrange, NULL, 4, \
        COMMAND_READONLY, 1, 1, 1, STRING, \
        "key start end", \
        "Gives a part of a value; offsets below 0 count from its end.", \
        "O(n) in the length of the part", "2.4.0", "RO access", "") \
    ROW(GETSET, "getset", redis_getset, command_reserve_value, 3, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key value", \
        "Stores a value and gives the one that was there.", \
        "O(1)", "1.0.0", "RW access update", "") \
    ROW(INCR, "incr", redis_incr, redis_counter_reserve, 2, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key", \
        "Adds 1 to the integer under a key; a missing key counts as 0.", \
        "O(1)", "1.0.0", "RW access update", "") \
    ROW(INCRBY, "incrby", redis_incrby, redis_counter_reserve, 3, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key increment", \
        "Adds a number to the integer under a key; a missing key counts as 0.", \
        "O(1)", "1.0.0", "RW access update", "") \
    ROW(INCRBYFLOAT, "incrbyfloat", redis_incrbyfloat, redis_incrbyfloat_reserve, 3, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key increment", \
        "Adds a decimal fraction to the number under a key; a missing key counts as 0.", \
        "O(1)", "2.6.0", "RW access update", "") \
    ROW(MGET, "mget", redis_mget, NULL, -2, \
        COMMAND_READONLY | COMMAND_FAST | COMMAND_ATOMIC, 1, -1, 1, STRING, \
        "key [key ...]", \
        "Gives the values of several keys as they are at one moment.", \
        "O(n) in the number of keys", "1.0.0", "RO access", "request_policy:multi_shard") \
    ROW(MSET, "mset", redis_mset, NULL, -3, \
        COMMAND_WRITE | COMMAND_DENYOOM, 1, -1, 2, STRING, \
        "key value [key value ...]", \
        "Stores several values at one moment.", \
        "O(n) in the number of keys", "1.0.1", "OW update", \
        "request_policy:multi_shard response_policy:all_succeeded") \
    ROW(MSETNX, "msetnx", redis_msetnx, NULL, -3, \
        COMMAND_WRITE | COMMAND_DENYOOM, 1, -1, 2, STRING, \
        "key value [key value ...]", \
        "Stores several values at one moment, if none of the keys exists.", \
        "O(n) in the number of keys", "1.0.1", "OW insert", \
        "request_policy:multi_shard response_policy:agg_min") \
    ROW(PSETEX, "psetex", redis_psetex, NULL, 4, \
        COMMAND_WRITE | COMMAND_DENYOOM, 1, 1, 1, STRING, \
        "key milliseconds value", \
        "Stores a value that expires after so many milliseconds.", \
        "O(1)", "2.6.0", "OW update", "") \
    ROW(SET, "set", redis_set, command_reserve_value, -3, \
        COMMAND_WRITE | COMMAND_DENYOOM, 1, 1, 1, STRING, \
        "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT " \
        "unix-time-milliseconds | KEEPTTL]", \
        "Stores a value, with conditions and an expiry if wanted.", \
        "O(1)", "1.0.0", "RW access update variable_flags", "") \
    ROW(SETEX, "setex", redis_setex, NULL, 4, \
        COMMAND_WRITE | COMMAND_DENYOOM, 1, 1, 1, STRING, \
        "key seconds value", \
        "Stores a value that expires after so many seconds.", \
        "O(1)", "2.0.0", "OW update", "") \
    ROW(SETNX, "setnx", redis_setnx, command_reserve_value, 3, \
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, 1, 1, 1, STRING, \
        "key value", \
        "Stores a value if the key does not exist.", \
        "O(1)", "1.0.0", "OW insert", "") \
    ROW(SETRANGE, "setrange", redis_setrange, redis_setrange_reserve, 4, \
        COMMAND_WRITE | COMMAND_DENYOOM, 1, 1, 1, STRING, \
        "key offset value", \
        "Overwrites a part of a value; a gap before it is filled with zero bytes.", \
        "O(n) in the length of the result", "2.2.0", "RW update", "") \
    ROW(STRLEN, "strlen", redis_strlen, NULL, 2, \
        COMMAND_READONLY | COMMAND_FAST, 1, 1, 1, STRING, \
        "key", \
        "Gives the length of a value in bytes.", \
        "O(1)", "2.2.0", "RO", "") \
    ROW(SUBSTR, "substr", redis_getrange, NULL, 4, \
        COMMAND_READONLY, 1, 1, 1, STRING, \
        "key start end", \
        "GETRANGE under its first name.", \
        "O(n) in the length of the part", "1.0.0", "RO access", "") \
    /* Keys */ \
    ROW(COPY, "copy", redis_copy, redis_copy_reserve, -3, \
        COMMAND_WRITE | COMMAND_DENYOOM, 1, 2, 1, GENERIC, \
        "source destination [DB destination-db] [REPLACE]", \
        "Copies a key with value and expiry, to another database if wanted.", \
        "O(n) in the length of the value", "6.2.0", "RO access;OW update", "") \
    ROW(DBSIZE, "dbsize", redis_dbsize, NULL, 1, \
        COMMAND_READONLY | COMMAND_FAST | COMMAND_NEEDS_FILLED, 0, 0, 0, SERVER, \
        "", \
        "Gives the number of keys in the database.", \
        "O(1)", "1.0.0", "", "request_policy:all_shards response_policy:agg_sum") \
    ROW(DEL, "del", redis_del, NULL, -2, \
        COMMAND_WRITE | COMMAND_DELETES, 1, -1, 1, GENERIC, \
        "key [key ...]", \
        "Deletes keys and gives the number of those that existed.", \
        "O(n) in the number of keys", "1.0.0", "RM delete", \
        "request_policy:multi_shard response_policy:agg_sum") \
    ROW(EXISTS, "exists", redis_exists, NULL, -2, \
        COMMAND_READONLY | COMMAND_FAST | COMMAND_ATOMIC, 1, -1, 1, GENERIC, \
        "key [key ...]", \
        "Counts the keys that exist.", \
        "O(n) in the number of keys", "1.0.0", "RO", "request_policy:multi_shard response_policy:agg_sum") \
    ROW(EXPIRE, "expire", redis_expire, command_reserve_rewrite, -3, \
        COMMAND_WRITE | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key seconds [NX | XX | GT | LT]", \
        "Lets a key expire after so many seconds.", \
        "O(1)", "1.0.0", "RW update", "") \
    ROW(EXPIREAT, "expireat", redis_expireat, command_reserve_rewrite, -3, \
        COMMAND_WRITE | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key unix-time-seconds [NX | XX | GT | LT]", \
        "Lets a key expire at a moment told in seconds since 1970.", \
        "O(1)", "1.2.0", "RW update", "") \
    ROW(EXPIRETIME, "expiretime", redis_expiretime, NULL, 2, \
        COMMAND_READONLY | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key", \
        "Gives the moment at which a key expires, in seconds since 1970.", \
        "O(1)", "7.0.0", "RO access", "") \
    ROW(FLUSHALL, "flushall", redis_flushall, redis_flush_reserve, -1, \
        COMMAND_WRITE | COMMAND_DELETES | COMMAND_FLUSH | COMMAND_DANGEROUS, 0, 0, 0, SERVER, \
        "[ASYNC | SYNC]", \
        "Deletes all keys of all databases.", \
        "O(1)", "1.0.0", "", "request_policy:all_shards response_policy:all_succeeded") \
    ROW(FLUSHDB, "flushdb", redis_flushdb, redis_flush_reserve, -1, \
        COMMAND_WRITE | COMMAND_DELETES | COMMAND_FLUSH | COMMAND_DANGEROUS, 0, 0, 0, SERVER, \
        "[ASYNC | SYNC]", \
        "Deletes all keys of the database.", \
        "O(1)", "1.0.0", "", "request_policy:all_shards response_policy:all_succeeded") \
    ROW(KEYS, "keys", redis_keys, NULL, 2, \
        COMMAND_READONLY | COMMAND_NEEDS_FILLED | COMMAND_DANGEROUS, 0, 0, 0, GENERIC, \
        "pattern", \
        "Gives all keys that match a glob pattern.", \
        "O(n) in the number of keys of the database", "1.0.0", "", \
        "request_policy:all_shards nondeterministic_output_order") \
    ROW(PERSIST, "persist", redis_persist, command_reserve_rewrite, 2, \
        COMMAND_WRITE | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key", \
        "Removes the expiry of a key.", \
        "O(1)", "2.2.0", "RW update", "") \
    ROW(PEXPIRE, "pexpire", redis_pexpire, command_reserve_rewrite, -3, \
        COMMAND_WRITE | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key milliseconds [NX | XX | GT | LT]", \
        "Lets a key expire after so many milliseconds.", \
        "O(1)", "2.6.0", "RW update", "") \
    ROW(PEXPIREAT, "pexpireat", redis_pexpireat, command_reserve_rewrite, -3, \
        COMMAND_WRITE | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key unix-time-milliseconds [NX | XX | GT | LT]", \
        "Lets a key expire at a moment told in milliseconds since 1970.", \
        "O(1)", "2.6.0", "RW update", "") \
    ROW(PEXPIRETIME, "pexpiretime", redis_pexpiretime, NULL, 2, \
        COMMAND_READONLY | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key", \
        "Gives the moment at which a key expires, in milliseconds since 1970.", \
        "O(1)", "7.0.0", "RO access", "") \
    ROW(PTTL, "pttl", redis_pttl, NULL, 2, \
        COMMAND_READONLY | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key", \
        "Gives the milliseconds that a key has left.", \
        "O(1)", "2.6.0", "RO access", "nondeterministic_output") \
    ROW(RANDOMKEY, "randomkey", redis_randomkey, NULL, 1, \
        COMMAND_READONLY | COMMAND_NEEDS_FILLED, 0, 0, 0, GENERIC, \
        "", \
        "Gives some key of the database.", \
        "O(1)", "1.0.0", "", "request_policy:all_shards nondeterministic_output") \
    ROW(RENAME, "rename", redis_rename, redis_rename_reserve, 3, \
        COMMAND_WRITE, 1, 2, 1, GENERIC, \
        "key newkey", \
        "Gives a key another name; what had that name is replaced.", \
        "O(n) in the length of the value", "1.0.0", "RW access delete;OW update", "") \
    ROW(RENAMENX, "renamenx", redis_renamenx, redis_rename_reserve, 3, \
        COMMAND_WRITE | COMMAND_FAST, 1, 2, 1, GENERIC, \
        "key newkey", \
        "Gives a key another name, if nothing has it.", \
        "O(n) in the length of the value", "1.0.0", "RW access delete;OW insert", "") \
    ROW(SCAN, "scan", redis_scan, NULL, -2, \
        COMMAND_READONLY | COMMAND_NEEDS_FILLED, 0, 0, 0, GENERIC, \
        "cursor [MATCH pattern] [COUNT count] [TYPE type]", \
        "Gives the keys of the database a few at a time.", \
        "O(1) a call", "2.8.0", "", "nondeterministic_output request_policy:special") \
    ROW(TOUCH, "touch", redis_touch, NULL, -2, \
        COMMAND_READONLY | COMMAND_FAST, 1, -1, 1, GENERIC, \
        "key [key ...]", \
        "Counts the keys that exist, and takes that as an access to them.", \
        "O(n) in the number of keys", "3.2.1", "RO", "request_policy:multi_shard response_policy:agg_sum") \
    ROW(TTL, "ttl", redis_ttl, NULL, 2, \
        COMMAND_READONLY | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key", \
        "Gives the seconds that a key has left.", \
        "O(1)", "1.0.0", "RO access", "nondeterministic_output") \
    ROW(TYPE, "type", redis_type, NULL, 2, \
        COMMAND_READONLY | COMMAND_FAST, 1, 1, 1, GENERIC, \
        "key", \
        "Gives the type of the value of a key.", \
        "O(1)", "1.0.0", "RO", "") \
    ROW(UNLINK, "unlink", redis_del, NULL, -2, \
        COMMAND_WRITE | COMMAND_FAST | COMMAND_DELETES, 1, -1, 1, GENERIC, \
        "key [key ...]", \
        "Deletes keys; the same as DEL here, which frees nothing in the foreground.", \
        "O(n) in the number of keys", "4.0.0", "RM delete", \
        "request_policy:multi_shard response_policy:agg_sum") \
    /* Transactions */ \
    ROW(DISCARD, "discard", redis_discard, NULL, 1, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY | \
        COMMAND_UNQUEUED, 0, 0, 0, TRANSACTIONS, \
        "", \
        "Forgets what has been queued since MULTI.", \
        "O(n) in the number of queued commands", "2.0.0", "", "") \
    ROW(EXEC, "exec", redis_exec, redis_exec_reserve, 1, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SKIP_SLOWLOG | COMMAND_UNQUEUED | \
        COMMAND_EXEC, 0, 0, 0, TRANSACTIONS, \
        "", \
        "Executes what has been queued since MULTI, as one.", \
        "that of the queued commands", "1.2.0", "", "") \
    ROW(MULTI, "multi", redis_multi, NULL, 1, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY | \
        COMMAND_UNQUEUED, 0, 0, 0, TRANSACTIONS, \
        "", \
        "Begins to queue commands for EXEC.", \
        "O(1)", "1.2.0", "", "") \
    ROW(UNWATCH, "unwatch", redis_unwatch, NULL, 1, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY, 0, 0, 0, TRANSACTIONS, \
        "", \
        "Forgets the watched keys.", \
        "O(n) in the number of watched keys", "2.2.0", "", "") \
    ROW(WATCH, "watch", redis_watch, NULL, -2, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY | \
        COMMAND_UNQUEUED, 1, -1, 1, TRANSACTIONS, \
        "key [key ...]", \
        "Lets the next EXEC do nothing if one of these keys changes before it.", \
        "O(n) in the number of keys", "2.2.0", "RO", "") \
    /* Connection */ \
    ROW(AUTH, "auth", redis_auth, NULL, -2, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_NO_AUTH | \
        COMMAND_ALLOW_BUSY | COMMAND_SENSITIVE | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "[username] password", \
        "Shows the password that requirepass asks for.", \
        "O(1)", "1.0.0", "", "") \
    ROW(CLIENT, "client", redis_container, NULL, -2, \
        COMMAND_CONTAINER, 0, 0, 0, CONNECTION, \
        "", \
        "A container of commands about connections.", \
        "that of the subcommand", "2.4.0", "", "") \
    ROW(CLIENT_GETNAME, "client|getname", redis_client_getname, NULL, 2, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "", \
        "Gives the name of the connection.", \
        "O(1)", "2.6.9", "", "") \
    ROW(CLIENT_HELP, "client|help", redis_help, NULL, 2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "", \
        "Lists the subcommands of CLIENT.", \
        "O(1)", "5.0.0", "", "") \
    ROW(CLIENT_ID, "client|id", redis_client_id, NULL, 2, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "", \
        "Gives the number of the connection, which no other gets.", \
        "O(1)", "5.0.0", "", "") \
    ROW(CLIENT_INFO, "client|info", redis_client_info, NULL, 2, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "", \
        "Describes the connection in one line.", \
        "O(1)", "6.2.0", "", "nondeterministic_output") \
    ROW(CLIENT_KILL, "client|kill", redis_client_kill, NULL, -3, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | \
        COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "ip:port|filter [value [filter value ...]]", \
        "Closes connections of either protocol: by ip:port, or by ID, ADDR, LADDR, TYPE and USER; with SKIPME no the " \
        "asking one too.", \
        "O(n) in the number of connections", "2.4.0", "", "") \
    ROW(CLIENT_LIST, "client|list", redis_client_list, NULL, -2, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | \
        COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "[TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]]", \
        "Describes all connections, a line each.", \
        "O(n) in the number of connections", "2.4.0", "", "nondeterministic_output") \
    ROW(CLIENT_SETNAME, "client|setname", redis_client_setname, NULL, 3, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "connection-name", \
        "Gives the connection a name.", \
        "O(1)", "2.6.9", "", "") \
    ROW(ECHO, "echo", redis_echo, NULL, 2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "message", \
        "Gives back its argument.", \
        "O(1)", "1.0.0", "", "") \
    ROW(HELLO, "hello", redis_hello, NULL, -1, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_NO_AUTH | \
        COMMAND_ALLOW_BUSY | COMMAND_SENSITIVE | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "[protover [AUTH username password] [SETNAME clientname]]", \
        "Agrees on the protocol, which is RESP2 here, and describes the server.", \
        "O(1)", "6.0.0", "", "") \
    ROW(PING, "ping", redis_ping, NULL, -1, \
        COMMAND_FAST | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "[message]", \
        "Answers PONG or its argument.", \
        "O(1)", "1.0.0", "", "request_policy:all_shards response_policy:all_succeeded") \
    ROW(QUIT, "quit", redis_quit, NULL, -1, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_NO_AUTH | \
        COMMAND_ALLOW_BUSY | COMMAND_UNQUEUED | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "", \
        "Closes the connection.", \
        "O(1)", "1.0.0", "", "") \
    ROW(RESET, "reset", redis_reset, NULL, 1, \
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_NO_AUTH | \
        COMMAND_ALLOW_BUSY | COMMAND_UNQUEUED | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "", \
        "Brings the connection back to the state in which it began.", \
        "O(1)", "6.2.0", "", "") \
    ROW(SELECT, "select", redis_select, NULL, 2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_CONNECTION, 0, 0, 0, CONNECTION, \
        "index", \
        "Chooses one of the sixteen databases.", \
        "O(1)", "1.0.0", "", "") \
    /* Server */ \
    ROW(COMMAND, "command", redis_command, NULL, -1, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_CONTAINER | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "", \
        "Describes all commands.", \
        "O(n) in the number of commands", "2.8.13", "", "nondeterministic_output_order") \
    ROW(COMMAND_COUNT, "command|count", redis_command_count, NULL, 2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "", \
        "Counts the commands.", \
        "O(1)", "2.8.13", "", "") \
    ROW(COMMAND_DOCS, "command|docs", redis_command_docs, NULL, -2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "[command-name [command-name ...]]", \
        "Gives what this manual says about commands.", \
        "O(n) in the number of commands", "7.0.0", "", "nondeterministic_output_order") \
    ROW(COMMAND_GETKEYS, "command|getkeys", redis_command_getkeys, NULL, -4, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "command arg [arg ...]", \
        "Picks the keys out of a whole command.", \
        "O(n) in the number of arguments", "2.8.13", "", "") \
    ROW(COMMAND_GETKEYSANDFLAGS, "command|getkeysandflags", redis_command_getkeysandflags, NULL, -4, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "command arg [arg ...]", \
        "Picks the keys out of a whole command and says what happens to them.", \
        "O(n) in the number of arguments", "7.0.0", "", "") \
    ROW(COMMAND_HELP, "command|help", redis_help, NULL, 2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "", \
        "Lists the subcommands of COMMAND.", \
        "O(1)", "5.0.0", "", "") \
    ROW(COMMAND_INFO, "command|info", redis_command_info, NULL, -2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "[command-name [command-name ...]]", \
        "Describes some commands or all.", \
        "O(n) in the number of commands", "2.8.13", "", "nondeterministic_output_order") \
    ROW(COMMAND_LIST, "command|list", redis_command_list, NULL, -2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND | COMMAND_CONNECTION, 0, 0, 0, SERVER, \
        "[FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]", \
        "Names the commands.", \
        "O(n) in the number of commands", "7.0.0", "", "nondeterministic_output_order") \
    ROW(CONFIG, "config", redis_container, NULL, -2, \
        COMMAND_CONTAINER, 0, 0, 0, SERVER, \
        "", \
        "A container of commands about the configuration.", \
        "that of the subcommand", "2.0.0", "", "") \
    ROW(CONFIG_GET, "config|get", redis_config_get, NULL, -3, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND, 0, 0, 0, SERVER, \
        "parameter [parameter ...]", \
        "Gives the options whose names match glob patterns.", \
        "O(n) in the number of options", "2.0.0", "", "") \
    ROW(CONFIG_HELP, "config|help", redis_help, NULL, 2, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND, 0, 0, 0, SERVER, \
        "", \
        "Lists the subcommands of CONFIG.", \
        "O(1)", "5.0.0", "", "") \
    ROW(CONFIG_RESETSTAT, "config|resetstat", redis_config_resetstat, NULL, 2, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND, 0, 0, 0, SERVER, \
        "", \
        "Sets the counters of INFO and stats back to 0.", \
        "O(1)", "2.0.0", "", "") \
    ROW(CONFIG_REWRITE, "config|rewrite", redis_config_rewrite, NULL, 2, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND, 0, 0, 0, SERVER, \
        "", \
        "Refused: the configuration file is the operator's own.", \
        "O(1)", "2.8.0", "", "") \
    ROW(CONFIG_SET, "config|set", redis_config_set, NULL, -4, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SUBCOMMAND, 0, 0, 0, SERVER, \
        "parameter value [parameter value ...]", \
        "Changes options while the server runs, all or none.", \
        "O(n) in the number of options", "2.0.0", "", \
        "request_policy:all_nodes response_policy:all_succeeded") \
    ROW(DEBUG, "debug", redis_debug, NULL, -2, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_NEEDS_FILLED, 0, 0, 0, SERVER, \
        "SLEEP seconds | DIGEST", \
        "Helps tests: waits, or sums up the whole keyspace in a number.", \
        "that of the subcommand", "1.0.0", "", "") \
    ROW(INFO, "info", redis_info, NULL, -1, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_DANGEROUS, 0, 0, 0, SERVER, \
        "[section [section ...]]", \
        "Gives figures about the server, in sections.", \
        "O(1)", "1.0.0", "", "nondeterministic_output request_policy:all_shards response_policy:special") \
    ROW(SHUTDOWN, "shutdown", redis_shutdown, NULL, -1, \
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_NO_MULTI | \
        COMMAND_ALLOW_BUSY, 0, 0, 0, SERVER, \
        "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", \
        "Stops the server cleanly; what was acknowledged stays, whatever the option.", \
        "O(1)", "1.0.0", "", "") \
    ROW(TIME, "time", redis_time, NULL, 1, \
        COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST, 0, 0, 0, SERVER, \
        "", \
        "Gives the time of the server: seconds and microseconds.", \
        "O(1)", "2.6.0", "", "nondeterministic_output")

/* clang-format on */

enum redis_row {
#define ROW(ID, ...) REDIS_ROW_##ID,
    REDIS_COMMANDS(ROW)
#undef ROW
        REDIS_ROW_COUNT
};

/* The handlers of the rows. A handler that no file defines is an error of the linker. */
#define ROW(ID, name, handler, ...) command_handler handler;
REDIS_COMMANDS(ROW)
#undef ROW

/* What a few commands need beyond the rules of command.h; each beside its handler. */
command_reserve redis_append_reserve;
command_reserve redis_setrange_reserve;
command_reserve redis_counter_reserve;
command_reserve redis_incrbyfloat_reserve;
command_reserve redis_copy_reserve;
command_reserve redis_rename_reserve;
command_reserve redis_flush_reserve;
command_reserve redis_exec_reserve;

#endif
