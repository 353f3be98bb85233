# COPY within and between databases.
=== redis
>>> COPY none other
<<< :0
>>> SET a 1 EX 100
<<< +OK
>>> COPY a b
<<< :1
>>> GET b
<<< $1
<<< 1
>>> TTL b
<<< /:(99|100)/
>>> SET c 3
<<< +OK
>>> COPY a c
<<< :0
>>> GET c
<<< $1
<<< 3
>>> COPY a c REPLACE
<<< :1
>>> GET c
<<< $1
<<< 1
>>> COPY a a
<<< -ERR source and destination objects are the same
>>> COPY a a REPLACE
<<< -ERR source and destination objects are the same
>>> COPY a a DB 1
<<< :1
>>> COPY a b DB 1 REPLACE
<<< :1
>>> SELECT 1
<<< +OK
>>> MGET a b
<<< *2
<<< $1
<<< 1
<<< $1
<<< 1
>>> TTL b
<<< /:(99|100)/
>>> SELECT 0
<<< +OK
>>> COPY a b DB 16
<<< -ERR DB index is out of range
>>> COPY a b DB -1
<<< -ERR DB index is out of range
>>> COPY a b DB x
<<< -ERR value is not an integer or out of range
>>> COPY a b DB
<<< -ERR syntax error
>>> COPY a b FOO
<<< -ERR syntax error
>>> COPY a a DB 0
<<< -ERR source and destination objects are the same
>>> COPY a
<<< -ERR wrong number of arguments for 'copy' command
