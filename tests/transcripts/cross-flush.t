# flush_all empties database 0; FLUSHDB there and FLUSHALL empty what memcached sees.
=== redis
>>> SET key zero
<<< +OK
>>> SELECT 1
<<< +OK
>>> SET key one
<<< +OK
=== memcache
>>> flush_all
<<< OK
>>> get key
<<< END
=== redis
>>> GET key
<<< $3
<<< one
=== memcache
>>> set key 0 0 1
>>> x
<<< STORED
=== redis
>>> FLUSHALL
<<< +OK
=== memcache
>>> get key
<<< END
