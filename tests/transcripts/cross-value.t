# A value is the same bytes for both protocols; memcached sees flags 0 on what Redis stored.
=== redis
>>> SET key "a\x00b"
<<< +OK
=== memcache
>>> get key
<<< VALUE key 0 3
<<< a\x00b
<<< END
>>> set key 7 0 2
>>> cd
<<< STORED
=== redis
>>> GET key
<<< $2
<<< cd
>>> TYPE key
<<< +string
>>> STRLEN key
<<< :2
=== memcache
>>> delete key
<<< DELETED
=== redis
>>> EXISTS key
<<< :0
>>> SET key x
<<< +OK
>>> DEL key
<<< :1
=== memcache
>>> get key
<<< END
