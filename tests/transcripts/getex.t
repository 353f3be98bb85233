# GETEX reads and changes the expiry.
=== redis
>>> GETEX none EX 10
<<< $-1
>>> SET key v
<<< +OK
>>> GETEX key
<<< $1
<<< v
>>> TTL key
<<< :-1
>>> GETEX key EX 100
<<< $1
<<< v
>>> TTL key
<<< /:(99|100)/
>>> GETEX key PERSIST
<<< $1
<<< v
>>> TTL key
<<< :-1
>>> GETEX key PX 100000
<<< $1
<<< v
>>> TTL key
<<< /:(99|100)/
>>> GETEX key EXAT 33177117420
<<< $1
<<< v
>>> EXPIRETIME key
<<< :33177117420
>>> GETEX key PXAT 33177117420123
<<< $1
<<< v
>>> PEXPIRETIME key
<<< :33177117420123
>>> GETEX key EX 0
<<< -ERR invalid expire time in 'getex' command
>>> GETEX key EX x
<<< -ERR value is not an integer or out of range
>>> GETEX key EX
<<< -ERR syntax error
>>> GETEX key NX
<<< -ERR syntax error
>>> GETEX key KEEPTTL
<<< -ERR syntax error
>>> GETEX key PERSIST EX 10
<<< -ERR syntax error
>>> GETEX key EX 10 PERSIST
<<< -ERR syntax error
>>> GETEX key EXAT 1
<<< $1
<<< v
>>> EXISTS key
<<< :0
>>> GETEX none EX x
<<< $-1
