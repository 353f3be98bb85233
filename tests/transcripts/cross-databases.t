# memcached is database 0.
=== redis
>>> SELECT 1
<<< +OK
>>> SET key one
<<< +OK
=== memcache
>>> get key
<<< END
>>> set key 0 0 4
>>> zero
<<< STORED
=== redis
>>> GET key
<<< $3
<<< one
>>> COPY key key DB 0 REPLACE
<<< :1
=== memcache
>>> get key
<<< VALUE key 0 3
<<< one
<<< END
