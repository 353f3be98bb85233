# INCR, DECR, INCRBY, DECRBY.
=== redis
>>> INCR n
<<< :1
>>> INCR n
<<< :2
>>> DECR n
<<< :1
>>> DECR m
<<< :-1
>>> INCRBY n 10
<<< :11
>>> DECRBY n 20
<<< :-9
>>> INCRBY n -5
<<< :-14
>>> EXPIRE n 100
<<< :1
>>> INCR n
<<< :-13
>>> TTL n
<<< /:(99|100)/
>>> SET n 9223372036854775807
<<< +OK
>>> INCR n
<<< -ERR increment or decrement would overflow
>>> INCRBY n 1
<<< -ERR increment or decrement would overflow
>>> DECR n
<<< :9223372036854775806
>>> SET n -9223372036854775808
<<< +OK
>>> DECR n
<<< -ERR increment or decrement would overflow
>>> DECRBY n 1
<<< -ERR increment or decrement would overflow
>>> DECRBY n -9223372036854775808
<<< -ERR decrement would overflow
>>> INCRBY n -9223372036854775808
<<< -ERR increment or decrement would overflow
>>> GET n
<<< $20
<<< -9223372036854775808
>>> SET n abc
<<< +OK
>>> INCR n
<<< -ERR value is not an integer or out of range
>>> SET n " 1"
<<< +OK
>>> INCR n
<<< -ERR value is not an integer or out of range
>>> SET n 01
<<< +OK
>>> INCR n
<<< -ERR value is not an integer or out of range
>>> SET n 9223372036854775808
<<< +OK
>>> INCR n
<<< -ERR value is not an integer or out of range
>>> SET n ""
<<< +OK
>>> INCR n
<<< -ERR value is not an integer or out of range
>>> INCRBY n x
<<< -ERR value is not an integer or out of range
>>> INCRBY n 1.5
<<< -ERR value is not an integer or out of range
>>> INCR
<<< -ERR wrong number of arguments for 'incr' command
>>> INCRBY n
<<< -ERR wrong number of arguments for 'incrby' command
>>> DECRBY n
<<< -ERR wrong number of arguments for 'decrby' command
>>> DECR
<<< -ERR wrong number of arguments for 'decr' command
>>> SET n 007
<<< +OK
>>> INCRBY n x
<<< -ERR value is not an integer or out of range
