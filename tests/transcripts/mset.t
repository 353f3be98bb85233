# MSET stores all its pairs; of equal keys the last one counts.
=== redis
>>> SET a 0 EX 100
<<< +OK
>>> MSET a 1 b 2 a 3
<<< +OK
>>> MGET a b
<<< *2
<<< $1
<<< 3
<<< $1
<<< 2
>>> TTL a
<<< :-1
>>> MSET a
<<< -ERR wrong number of arguments for 'mset' command
>>> MSET a 1 b
<<< -ERR wrong number of arguments for 'mset' command
>>> MSET
<<< -ERR wrong number of arguments for 'mset' command
