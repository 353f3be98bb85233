# GETSET gives the old value for a new one, without expiry.
=== redis
>>> GETSET key a
<<< $-1
>>> EXPIRE key 100
<<< :1
>>> GETSET key b
<<< $1
<<< a
>>> GET key
<<< $1
<<< b
>>> TTL key
<<< :-1
>>> GETSET key
<<< -ERR wrong number of arguments for 'getset' command
