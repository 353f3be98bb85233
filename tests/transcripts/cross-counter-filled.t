# memcached fills a shorter result with spaces: Redis sees them, INCR takes the number, and stores it without.
=== redis
>>> SET n 100
<<< +OK
=== memcache
>>> decr n 95
<<< 5
>>> get n
<<< VALUE n 0 3
<<< 5  
<<< END
=== redis
>>> GET n
<<< $3
<<< 5  
>>> INCR n
<<< :6
>>> GET n
<<< $1
<<< 6
>>> SET n "5  "
<<< +OK
>>> INCR n
<<< -ERR value is not an integer or out of range
=== memcache
>>> incr n 1
<<< 6
