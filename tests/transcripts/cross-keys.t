# Keys: what Redis takes and memcached cannot say (spaces, control bytes, more than 250 bytes) is there for Redis alone.
=== redis
>>> SET "two words" 1
<<< +OK
>>> SET <k*251> 1
<<< +OK
>>> SET <k*65535> 1
<<< +OK
>>> SET <k*65536> 1
<<< -ERR a key is longer than 65535 bytes
=== memcache
>>> get two words
<<< END
>>> set \xff\xfe 0 0 1
>>> x
<<< STORED
=== redis
>>> GET "\xff\xfe"
<<< $1
<<< x
>>> DBSIZE
<<< :4
