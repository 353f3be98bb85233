# RENAME and RENAMENX: value and expiry move.
=== redis
>>> RENAME none other
<<< -ERR no such key
>>> RENAME none none
<<< -ERR no such key
>>> SET a 1 EX 100
<<< +OK
>>> SET b 2
<<< +OK
>>> RENAME a b
<<< +OK
>>> EXISTS a
<<< :0
>>> GET b
<<< $1
<<< 1
>>> TTL b
<<< /:(99|100)/
>>> RENAME b b
<<< +OK
>>> SET c 3
<<< +OK
>>> RENAMENX b c
<<< :0
>>> GET c
<<< $1
<<< 3
>>> RENAMENX b d
<<< :1
>>> TTL d
<<< /:(99|100)/
>>> RENAMENX none d
<<< -ERR no such key
>>> RENAMENX d d
<<< :0
>>> RENAME a
<<< -ERR wrong number of arguments for 'rename' command
>>> RENAMENX a
<<< -ERR wrong number of arguments for 'renamenx' command
