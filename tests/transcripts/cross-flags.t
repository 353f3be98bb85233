# memcached's flags: SET and its kind clear them; what changes a value in part, or its expiry, or its name, keeps them.
=== memcache
>>> set key 7 0 1
>>> 1
<<< STORED
=== redis
>>> APPEND key 2
<<< :2
>>> SETRANGE key 2 3
<<< :3
>>> INCR key
<<< :124
>>> INCRBYFLOAT key 0.5
<<< $5
<<< 124.5
>>> EXPIRE key 100
<<< :1
>>> GETEX key PERSIST
<<< $5
<<< 124.5
>>> COPY key copy
<<< :1
>>> RENAME key other
<<< +OK
=== memcache
>>> get other copy
<<< VALUE other 7 5
<<< 124.5
<<< VALUE copy 7 5
<<< 124.5
<<< END
=== redis
>>> SET other new
<<< +OK
>>> GETSET copy new
<<< $5
<<< 124.5
=== memcache
>>> get other copy
<<< VALUE other 0 3
<<< new
<<< VALUE copy 0 3
<<< new
<<< END
