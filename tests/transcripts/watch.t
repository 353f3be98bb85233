# WATCH: EXEC does nothing when a watched key has changed.
=== redis
>>> SET a 1
<<< +OK
>>> WATCH a
<<< +OK
>>> MULTI
<<< +OK
>>> SET b 1
<<< +QUEUED
>>> EXEC
<<< *1
<<< +OK
>>> WATCH a
<<< +OK
=== redis other
>>> SET a 1
<<< +OK
=== redis
>>> MULTI
<<< +OK
>>> SET b 2
<<< +QUEUED
>>> EXEC
<<< *-1
>>> GET b
<<< $1
<<< 1
>>> WATCH none
<<< +OK
=== redis other
>>> SET none 1
<<< +OK
=== redis
>>> MULTI
<<< +OK
>>> GET a
<<< +QUEUED
>>> EXEC
<<< *-1
>>> WATCH a
<<< +OK
=== redis other
>>> DEL a
<<< :1
=== redis
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *-1
>>> SET a 1
<<< +OK
>>> WATCH a
<<< +OK
=== redis other
>>> SET a 2
<<< +OK
=== redis
>>> UNWATCH
<<< +OK
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *1
<<< +PONG
>>> WATCH a
<<< +OK
=== redis other
>>> SET a 3
<<< +OK
=== redis
>>> MULTI
<<< +OK
>>> DISCARD
<<< +OK
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *1
<<< +PONG
>>> WATCH a
<<< +OK
=== redis other
>>> SELECT 1
<<< +OK
>>> SET a 1
<<< +OK
>>> SELECT 0
<<< +OK
=== redis
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *1
<<< +PONG
>>> WATCH a
<<< +OK
=== redis other
>>> FLUSHALL
<<< +OK
=== redis
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *-1
>>> WATCH none2
<<< +OK
=== redis other
>>> FLUSHALL
<<< +OK
=== redis
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *1
<<< +PONG
>>> SET a 1
<<< +OK
>>> WATCH a
<<< +OK
>>> SET a 2
<<< +OK
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *-1
>>> WATCH a
<<< +OK
>>> EXPIRE a 100
<<< :1
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *-1
>>> SET a 1 PX 200
<<< +OK
>>> WATCH a
<<< +OK
~~~ 210
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> EXEC
<<< *-1
>>> SELECT 2
<<< +OK
>>> SET w 1
<<< +OK
>>> WATCH w
<<< +OK
>>> SELECT 0
<<< +OK
>>> MULTI
<<< +OK
>>> SELECT 2
<<< +QUEUED
>>> GET w
<<< +QUEUED
>>> EXEC
<<< *2
<<< +OK
<<< $1
<<< 1
>>> SELECT 0
<<< +OK
>>> UNWATCH
<<< +OK
>>> WATCH
<<< -ERR wrong number of arguments for 'watch' command
>>> UNWATCH x
<<< -ERR wrong number of arguments for 'unwatch' command
>>> SET w 0
<<< +OK
>>> WATCH w w
<<< +OK
>>> MULTI
<<< +OK
>>> GET w
<<< +QUEUED
>>> EXEC
<<< *1
<<< $1
<<< 0
