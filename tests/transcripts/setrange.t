# SETRANGE overwrites a part, and fills a gap with zero bytes.
=== redis
>>> SET key "Hello World"
<<< +OK
>>> EXPIRE key 100
<<< :1
>>> SETRANGE key 6 Redis
<<< :11
>>> GET key
<<< $11
<<< Hello Redis
>>> TTL key
<<< /:(99|100)/
>>> SETRANGE key 20 x
<<< :21
>>> GET key
<<< $21
<<< Hello Redis\x00\x00\x00\x00\x00\x00\x00\x00\x00x
>>> SETRANGE none 0 ""
<<< :0
>>> EXISTS none
<<< :0
>>> SETRANGE key 0 ""
<<< :21
>>> SETRANGE none 3 abc
<<< :6
>>> GET none
<<< $6
<<< \x00\x00\x00abc
>>> SETRANGE key -1 x
<<< -ERR offset is out of range
>>> SETRANGE key x x
<<< -ERR value is not an integer or out of range
>>> SETRANGE none2 -1 ""
<<< -ERR offset is out of range
>>> SETRANGE key 536870912 x
<<< -ERR string exceeds maximum allowed size (proto-max-bulk-len)
>>> SETRANGE key 9223372036854775807 x
<<< -ERR string exceeds maximum allowed size (proto-max-bulk-len)
>>> SETRANGE key 536870912 ""
<<< :21
>>> SETRANGE key 1
<<< -ERR wrong number of arguments for 'setrange' command
