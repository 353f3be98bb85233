# incr and INCR work on one counter: unsigned and wrapping over memcached, signed over Redis.
=== redis
>>> SET n 41
<<< +OK
=== memcache
>>> incr n 1
<<< 42
=== redis
>>> INCR n
<<< :43
>>> INCRBY n -50
<<< :-7
=== memcache
>>> incr n 1
<<< CLIENT_ERROR cannot increment or decrement non-numeric value
=== redis
>>> SET n 9223372036854775807
<<< +OK
=== memcache
>>> incr n 1
<<< 9223372036854775808
=== redis
>>> INCR n
<<< -ERR value is not an integer or out of range
>>> GET n
<<< $19
<<< 9223372036854775808
