# GET: a string, nothing, and the counters of hits and misses.
=== redis
>>> GET none
<<< $-1
+++ keyspace_misses 1
>>> SET key "a b"
<<< +OK
>>> GET key
<<< $3
<<< a b
+++ keyspace_hits 1
>>> get KEY
<<< $-1
>>> GET
<<< -ERR wrong number of arguments for 'get' command
>>> GET a b
<<< -ERR wrong number of arguments for 'get' command
>>> SET empty ""
<<< +OK
>>> GET empty
<<< $0
<<< 
>>> SET "bin\x00ary" "\xff\x00\x0d\x0a"
<<< +OK
>>> GET "bin\x00ary"
<<< $4
<<< \xff\x00\x0d\x0a
