/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hearth-bench's options: one row each. The command line, --help, the manual's section and the head of a report come
 * from them.
 *
 * ROW(ID, name, type, default, lowest, highest, argument, help)
 *   type      TEXT, SECRET (never shown), NUMBER, REAL, DURATION (10s, 500ms, 2m; a bare number is in seconds), CHOICE,
 *             FLAG (takes no value)
 *   bounds    of numbers; of durations in milliseconds; of others 0
 *   argument  of a choice its values; else what the manual shows for the value
 *   help      whole sentences
 */
#ifndef HEARTH_BENCH_OPTION_TABLE_H
#define HEARTH_BENCH_OPTION_TABLE_H

#define BENCH_HOUR_MS 3600000

#define BENCH_OPTIONS(ROW) \
    ROW(PROTOCOL, "protocol", CHOICE, "memcache", 0, 0, "memcache|redis", "The protocol to speak.") \
    ROW(HOST, "host", TEXT, "127.0.0.1", 0, 0, "NAME", "Name or address of the server.") \
    ROW(PORT, "port", NUMBER, "0", 0, 65535, "PORT", \
        "TCP port of the server; 0 for the protocol's own, 11211 or 6379.") \
    ROW(SOCKET, "socket", TEXT, "", 0, 0, "PATH", "Unix socket of the server, instead of host and port.") \
    ROW(PASSWORD, "password", SECRET, "", 0, 0, "PASSWORD", \
        "Password for Redis's AUTH. The variable REDISCLI_AUTH in the environment does the same, and other users of " \
        "the machine do not see it.") \
    ROW(THREADS, "threads", NUMBER, "1", 1, 64, "NUMBER", \
        "Threads; each drives its share of the connections from an event loop of its own.") \
    ROW(CONNECTIONS, "connections", NUMBER, "32", 1, 100000, "NUMBER", "Connections of all threads together.") \
    ROW(PIPELINE, "pipeline", NUMBER, "1", 1, 100000, "NUMBER", \
        "Requests on their way on each connection. Without a rate they are sent as one batch, and the next batch " \
        "follows when all are answered.") \
    ROW(MULTI_GET, "multi-get", NUMBER, "1", 1, 10000, "KEYS", \
        "Keys of each read: a get of so many keys, or MGET. It counts as one request, with so many hits and misses.") \
    ROW(REQUESTS, "requests", NUMBER, "0", 0, 1000000000000000, "NUMBER", \
        "End after so many requests; 0: at the end of the duration.") \
    ROW(DURATION, "duration", DURATION, "10s", 1, 8760ull * BENCH_HOUR_MS, "TIME", \
        "End after this time. With a number of requests there is no such end unless it is given.") \
    ROW(WARMUP, "warmup", DURATION, "0s", 0, 24 * BENCH_HOUR_MS, "TIME", \
        "Run so long before anything is counted or measured. It is no part of the duration or of the requests.") \
    ROW(RATE, "rate", REAL, "0", 0, 100000000, "REQUESTS", \
        "Requests a second of all threads together, sent at fixed times whatever the answers do (open loop). " \
        "Latency counts from the time that a request was due, so that a stall shows in full although requests could " \
        "not be sent during it. What is still unsent half a second after the end is counted as unsent. 0: each " \
        "connection waits for its answers (closed loop), and latency counts from the " \
        "sending.") \
    ROW(RATIO, "ratio", TEXT, "90:10", 0, 0, "READS:WRITES", "Share of reads and of writes, such as 1:0 or 95:5.") \
    ROW(WORKLOAD, "workload", CHOICE, "ratio", 0, 0, "ratio|a|b|c|d|f", \
        "ratio: what --ratio says. A letter: YCSB's core workload over strings, a: half reads, half updates; b: 95 % " \
        "reads; c: reads only; d: 95 % reads of the latest keys, 5 % inserts; f: half reads, half " \
        "read-modify-writes (two requests, of which --requests counts the first). They draw keys by zipf (d by " \
        "latest) unless --distribution says otherwise.") \
    ROW(KEYS, "keys", NUMBER, "100000", 1, 4294967295, "NUMBER", "Number of keys.") \
    ROW(FIRST_KEY, "first-key", NUMBER, "0", 0, 1000000000000000, "NUMBER", "Number of the first key.") \
    ROW(KEY_PATTERN, "key-pattern", TEXT, "key:%012d", 0, 0, "TEXT", \
        "How a key is written: a text with one %d or %0Nd for its number.") \
    ROW(DISTRIBUTION, "distribution", CHOICE, "uniform", 0, 0, "uniform|zipf|hotset|sequential|latest", \
        "Which key comes next. uniform: any. zipf: the i-th hottest with a probability proportional to 1/i^theta. " \
        "hotset: a share of the keys gets a share of the requests. sequential: one after the other, each thread in a " \
        "part of its own. latest: zipf, counted back from the key inserted last. Hot keys are scattered over all.") \
    ROW(THETA, "theta", REAL, "0.99", 0.01, 0.999, "NUMBER", "The skew of zipf and latest.") \
    ROW(HOT_KEYS, "hot-keys", REAL, "20", 0, 100, "PERCENT", "Of hotset: the share of keys that are hot.") \
    ROW(HOT_REQUESTS, "hot-requests", REAL, "80", 0, 100, "PERCENT", \
        "Of hotset: the share of requests for a hot key.") \
    ROW(VALUE_SIZE, "value-size", TEXT, "100", 0, 0, "SIZES", \
        "Bytes of a value: one size, a range such as 10-1000, or several of both with weights, such as " \
        "100:50,1024:30,4096:20.") \
    ROW(TTL, "ttl", TEXT, "0", 0, 0, "SECONDS", \
        "Time to live of what is written: seconds up to 2592000, or a range such as 60-3600; 0: for ever.") \
    ROW(LOAD, "load", FLAG, "no", 0, 0, "", "Write every key once before the run.") \
    ROW(LOAD_ONLY, "load-only", FLAG, "no", 0, 0, "", "Write every key once, and nothing else.") \
    ROW(STORM, "storm", FLAG, "no", 0, 0, "", \
        "A connection for each request: connect, ask, read the answer, close. --connections says how many at a time; " \
        "latency counts from the connecting.") \
    ROW(VERIFY, "verify", FLAG, "no", 0, 0, "", \
        "Write values that prove which key they were written for, and check each value that is read. Whatever else " \
        "is found under a key ends the run; so keys that others have written must be loaded anew.") \
    ROW(SEED, "seed", NUMBER, "1", 0, 9007199254740991, "NUMBER", \
        "Of all random numbers. The same seed draws the same requests.") \
    ROW(TIMEOUT, "timeout", DURATION, "30s", 100, BENCH_HOUR_MS, "TIME", \
        "End with an error when the server has owed answers for so long and sends nothing.") \
    ROW(JSON, "json", TEXT, "", 0, 0, "FILE", \
        "Write the report as JSON; - writes it to standard output instead of the summary.") \
    ROW(CSV, "csv", TEXT, "", 0, 0, "FILE", "Write a line of figures for each interval.") \
    ROW(INTERVAL, "interval", DURATION, "1s", 100, BENCH_HOUR_MS, "TIME", \
        "Time between two lines of csv or progress.") \
    ROW(PROGRESS, "progress", FLAG, "no", 0, 0, "", "Report progress on standard error even when that is no terminal.")

#endif
