# FLUSHDB and FLUSHALL.
=== redis
>>> SET a 1
<<< +OK
>>> SELECT 1
<<< +OK
>>> SET b 1
<<< +OK
>>> FLUSHDB
<<< +OK
>>> DBSIZE
<<< :0
>>> SELECT 0
<<< +OK
>>> DBSIZE
<<< :1
>>> FLUSHALL
<<< +OK
>>> DBSIZE
<<< :0
>>> SET a 1
<<< +OK
>>> FLUSHALL ASYNC
<<< +OK
>>> DBSIZE
<<< :0
>>> SET a 1
<<< +OK
>>> FLUSHDB SYNC
<<< +OK
>>> DBSIZE
<<< :0
>>> FLUSHDB FOO
<<< -ERR syntax error
>>> FLUSHALL FOO
<<< -ERR syntax error
>>> FLUSHALL ASYNC SYNC
<<< -ERR syntax error
>>> FLUSHDB SYNC SYNC
<<< -ERR syntax error
