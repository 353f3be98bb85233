# Values have 1 MB at most over either protocol.
=== redis
>>> SET key <v*1048576>
<<< +OK
>>> APPEND key x
<<< -ERR string exceeds maximum allowed size (proto-max-bulk-len)
>>> SETRANGE key 1048576 x
<<< -ERR string exceeds maximum allowed size (proto-max-bulk-len)
>>> STRLEN key
<<< :1048576
=== memcache
>>> append key 0 0 1
>>> x
<<< NOT_STORED
