# SETEX: value with a life in seconds.
=== redis
>>> SETEX key 100 a
<<< +OK
>>> TTL key
<<< /:(99|100)/
>>> GET key
<<< $1
<<< a
>>> SETEX key 0 a
<<< -ERR invalid expire time in 'setex' command
>>> SETEX key -5 a
<<< -ERR invalid expire time in 'setex' command
>>> SETEX key x a
<<< -ERR value is not an integer or out of range
>>> SETEX key 9223372036854775807 a
<<< -ERR invalid expire time in 'setex' command
>>> SETEX key 9223372036854775808 a
<<< -ERR value is not an integer or out of range
>>> SETEX key 100
<<< -ERR wrong number of arguments for 'setex' command
>>> GET key
<<< $1
<<< a
