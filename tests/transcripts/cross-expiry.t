# Expiry: one moment, told in seconds by one protocol and in milliseconds by the other.
=== memcache
>>> set key 0 100 1
>>> a
<<< STORED
=== redis
>>> TTL key
<<< /:(99|100)/
>>> EXPIRE key 500
<<< :1
=== memcache
>>> gat 1000 key
<<< VALUE key 0 1
<<< a
<<< END
=== redis
>>> TTL key
<<< /:(999|1000)/
=== memcache
>>> touch key 0
<<< TOUCHED
=== redis
>>> TTL key
<<< :-1
=== memcache
>>> set key 0 33177117420 1
>>> a
<<< /STORED|CLIENT_ERROR bad command line format/
>>> set key 0 2000000000 1
>>> a
<<< STORED
=== redis
>>> EXPIRETIME key
<<< :2000000000
>>> PEXPIRE key 1
<<< :1
~~~ 5
=== memcache
>>> get key
<<< END
>>> set key 0 -1 1
>>> a
<<< STORED
=== redis
>>> EXISTS key
<<< :0
