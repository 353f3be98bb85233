# PSETEX: value with a life in milliseconds.
=== redis
>>> PSETEX key 100000 a
<<< +OK
>>> TTL key
<<< /:(99|100)/
>>> PSETEX key 0 a
<<< -ERR invalid expire time in 'psetex' command
>>> PSETEX key x a
<<< -ERR value is not an integer or out of range
>>> PSETEX key 9223372036854775807 a
<<< -ERR invalid expire time in 'psetex' command
>>> PSETEX key 1 gone
<<< +OK
~~~ 5
>>> GET key
<<< $-1
