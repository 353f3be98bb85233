# SET with all its options.
=== redis
>>> SET key 1
<<< +OK
>>> SET key 2 NX
<<< $-1
>>> GET key
<<< $1
<<< 1
>>> SET key 3 XX
<<< +OK
>>> SET none 3 XX
<<< $-1
>>> EXISTS none
<<< :0
>>> SET key 4 GET
<<< $1
<<< 3
>>> SET new 4 GET
<<< $-1
>>> SET new 5 NX GET
<<< $1
<<< 4
>>> GET new
<<< $1
<<< 4
>>> SET newer 5 nx get
<<< $-1
>>> SET newer 6 xx get
<<< $1
<<< 5
>>> SET key v EX 100
<<< +OK
>>> TTL key
<<< /:(99|100)/
>>> SET key w KEEPTTL
<<< +OK
>>> TTL key
<<< /:(99|100)/
>>> SET key x
<<< +OK
>>> TTL key
<<< :-1
>>> SET key v PX 100000
<<< +OK
>>> TTL key
<<< /:(99|100)/
>>> SET key v EXAT 33177117420
<<< +OK
>>> EXPIRETIME key
<<< :33177117420
>>> SET key v PXAT 33177117420123
<<< +OK
>>> PEXPIRETIME key
<<< :33177117420123
>>> SET key v EXAT 1
<<< +OK
>>> GET key
<<< $-1
>>> SET key v EX 0
<<< -ERR invalid expire time in 'set' command
>>> SET key v EX -1
<<< -ERR invalid expire time in 'set' command
>>> SET key v PX 0
<<< -ERR invalid expire time in 'set' command
>>> SET key v EX 9223372036854775807
<<< -ERR invalid expire time in 'set' command
>>> SET key v PX 9223372036854775807
<<< -ERR invalid expire time in 'set' command
>>> SET key v EX abc
<<< -ERR value is not an integer or out of range
>>> SET key v EX
<<< -ERR syntax error
>>> SET key v EX 10 PX 10
<<< -ERR syntax error
>>> SET key v EX 10 KEEPTTL
<<< -ERR syntax error
>>> SET key v NX XX
<<< -ERR syntax error
>>> SET key v EX 10 EX 10
<<< +OK
>>> SET key v KEEPTTL EX 10
<<< -ERR syntax error
>>> SET key v FOO
<<< -ERR syntax error
>>> SET key
<<< -ERR wrong number of arguments for 'set' command
>>> SET
<<< -ERR wrong number of arguments for 'set' command
>>> GET key
<<< $1
<<< v
