# MGET: nil for what is not there.
=== redis
>>> MSET a 1 b 2
<<< +OK
>>> MGET a b none a
<<< *4
<<< $1
<<< 1
<<< $1
<<< 2
<<< $-1
<<< $1
<<< 1
+++ keyspace_hits 3
>>> MGET none
<<< *1
<<< $-1
>>> MGET
<<< -ERR wrong number of arguments for 'mget' command
