# The CAS unique: every change over Redis gives a new one; memcached's touch keeps it.
=== memcache
>>> set key 0 0 1
>>> a
<<< STORED
>>> gets key
<<< /VALUE key 0 1 [0-9]+/
<<< a
<<< END
=== redis
>>> APPEND key b
<<< :2
=== memcache
>>> cas key 0 0 1 1
>>> x
<<< EXISTS
=== redis
>>> WATCH key
<<< +OK
=== memcache
>>> touch key 100
<<< TOUCHED
=== redis
>>> MULTI
<<< +OK
>>> GET key
<<< +QUEUED
>>> EXEC
<<< *-1
