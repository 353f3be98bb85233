# A change over memcached makes a watched key's EXEC do nothing; what EXEC writes memcached sees at once.
=== redis
>>> SET key 1
<<< +OK
>>> WATCH key
<<< +OK
=== memcache
>>> incr key 1
<<< 2
=== redis
>>> MULTI
<<< +OK
>>> SET key 10
<<< +QUEUED
>>> EXEC
<<< *-1
>>> MULTI
<<< +OK
>>> SET key 10
<<< +QUEUED
>>> SET other 20
<<< +QUEUED
>>> EXEC
<<< *2
<<< +OK
<<< +OK
=== memcache
>>> get key other
<<< VALUE key 0 2
<<< 10
<<< VALUE other 0 2
<<< 20
<<< END
