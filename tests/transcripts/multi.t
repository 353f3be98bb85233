# MULTI, EXEC, DISCARD: queueing, errors before and in EXEC.
=== redis
>>> EXEC
<<< -ERR EXEC without MULTI
>>> DISCARD
<<< -ERR DISCARD without MULTI
>>> MULTI
<<< +OK
>>> MULTI
<<< -ERR MULTI calls can not be nested
>>> SET a 1
<<< +QUEUED
>>> INCR a
<<< +QUEUED
>>> GET a
<<< +QUEUED
>>> EXEC
<<< *3
<<< +OK
<<< :2
<<< $1
<<< 2
>>> MULTI
<<< +OK
>>> SET b 1
<<< +QUEUED
>>> DISCARD
<<< +OK
>>> EXISTS b
<<< :0
>>> MULTI
<<< +OK
>>> EXEC
<<< *0
>>> MULTI
<<< +OK
>>> SET b
<<< -ERR wrong number of arguments for 'set' command
>>> SET b 2
<<< +QUEUED
>>> EXEC
<<< -EXECABORT Transaction discarded because of previous errors.
>>> EXISTS b
<<< :0
>>> MULTI
<<< +OK
>>> FOO
<<< -ERR unknown command 'FOO', with args beginning with: 
>>> EXEC
<<< -EXECABORT Transaction discarded because of previous errors.
>>> MULTI
<<< +OK
>>> SET s text
<<< +QUEUED
>>> INCR s
<<< +QUEUED
>>> SET s other
<<< +QUEUED
>>> EXEC
<<< *3
<<< +OK
<<< -ERR value is not an integer or out of range
<<< +OK
>>> GET s
<<< $5
<<< other
>>> MULTI
<<< +OK
>>> WATCH a
<<< -ERR WATCH inside MULTI is not allowed
>>> EXEC
<<< *0
>>> MULTI
<<< +OK
>>> SELECT 1
<<< +QUEUED
>>> SET c 1
<<< +QUEUED
>>> SELECT 0
<<< +QUEUED
>>> EXEC
<<< *3
<<< +OK
<<< +OK
<<< +OK
>>> MULTI
<<< +OK
>>> FLUSHALL
<<< +QUEUED
>>> SET a 5
<<< +QUEUED
>>> DBSIZE
<<< +QUEUED
>>> EXEC
<<< *3
<<< +OK
<<< +OK
<<< :1
>>> MULTI
<<< +OK
>>> SHUTDOWN
<<< -ERR Command not allowed inside a transaction
>>> EXEC
<<< -EXECABORT Transaction discarded because of previous errors.
>>> MULTI
<<< +OK
>>> SELECT 3
<<< +QUEUED
>>> EXEC
<<< *1
<<< +OK
>>> SET d 1
<<< +OK
>>> SELECT 0
<<< +OK
>>> EXISTS d
<<< :0
>>> MULTI x
<<< -ERR wrong number of arguments for 'multi' command
>>> EXEC x
<<< -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
>>> DISCARD x
<<< -ERR wrong number of arguments for 'discard' command
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> ECHO hi
<<< +QUEUED
>>> TIME x
<<< -ERR wrong number of arguments for 'time' command
>>> DISCARD
<<< +OK
>>> MULTI
<<< +OK
>>> MSET a 1 b 2 c 3
<<< +QUEUED
>>> DEL a
<<< +QUEUED
>>> RENAME b e
<<< +QUEUED
>>> COPY e f
<<< +QUEUED
>>> MGET a b c e f
<<< +QUEUED
>>> EXPIRE e 100
<<< +QUEUED
>>> TTL e
<<< +QUEUED
>>> KEYS nosuch*
<<< +QUEUED
>>> APPEND c x
<<< +QUEUED
>>> GETDEL c
<<< +QUEUED
>>> STRLEN c
<<< +QUEUED
>>> FLUSHDB
<<< +QUEUED
>>> DBSIZE
<<< +QUEUED
>>> EXEC
<<< *13
<<< +OK
<<< :1
<<< +OK
<<< :1
<<< *5
<<< $-1
<<< $-1
<<< $1
<<< 3
<<< $1
<<< 2
<<< $1
<<< 2
<<< :1
<<< /:(99|100)/
<<< *0
<<< :2
<<< $2
<<< 3x
<<< :0
<<< +OK
<<< :0
