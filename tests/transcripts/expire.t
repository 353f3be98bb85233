# EXPIRE and its family, TTL and its family, PERSIST.
=== redis
>>> EXPIRE none 10
<<< :0
>>> TTL none
<<< :-2
>>> PTTL none
<<< :-2
>>> EXPIRETIME none
<<< :-2
>>> PEXPIRETIME none
<<< :-2
>>> PERSIST none
<<< :0
>>> SET key v
<<< +OK
>>> TTL key
<<< :-1
>>> PTTL key
<<< :-1
>>> EXPIRETIME key
<<< :-1
>>> PEXPIRETIME key
<<< :-1
>>> PERSIST key
<<< :0
>>> EXPIRE key 100
<<< :1
>>> TTL key
<<< /:(99|100)/
>>> PTTL key
<<< /:(99[0-9]{3}|100000)/
>>> PERSIST key
<<< :1
>>> TTL key
<<< :-1
>>> PEXPIRE key 100000
<<< :1
>>> TTL key
<<< /:(99|100)/
>>> EXPIREAT key 33177117420
<<< :1
>>> EXPIRETIME key
<<< :33177117420
>>> PEXPIRETIME key
<<< :33177117420000
>>> PEXPIREAT key 33177117420500
<<< :1
>>> EXPIRETIME key
<<< :33177117421
>>> PEXPIRETIME key
<<< :33177117420500
>>> PEXPIREAT key 33177117420499
<<< :1
>>> EXPIRETIME key
<<< :33177117420
>>> GET key
<<< $1
<<< v
>>> EXPIRE key 200 NX
<<< :0
>>> EXPIRE key 200 XX
<<< :1
>>> TTL key
<<< /:(199|200)/
>>> EXPIRE key 100 GT
<<< :0
>>> EXPIRE key 300 GT
<<< :1
>>> TTL key
<<< /:(299|300)/
>>> EXPIRE key 400 LT
<<< :0
>>> EXPIRE key 100 LT
<<< :1
>>> TTL key
<<< /:(99|100)/
>>> PERSIST key
<<< :1
>>> EXPIRE key 100 XX
<<< :0
>>> EXPIRE key 100 GT
<<< :0
>>> EXPIRE key 100 LT
<<< :1
>>> TTL key
<<< /:(99|100)/
>>> PERSIST key
<<< :1
>>> EXPIRE key 100 NX
<<< :1
>>> EXPIRE key 100 NX XX
<<< -ERR NX and XX, GT or LT options at the same time are not compatible
>>> EXPIRE key 100 NX GT
<<< -ERR NX and XX, GT or LT options at the same time are not compatible
>>> EXPIRE key 100 GT LT
<<< -ERR GT and LT options at the same time are not compatible
>>> EXPIRE key 200 XX GT
<<< :1
>>> EXPIRE key 50 XX LT
<<< :1
>>> EXPIRE key 100 AB
<<< -ERR Unsupported option AB
>>> EXPIRE key x
<<< -ERR value is not an integer or out of range
>>> EXPIRE key x AB
<<< -ERR Unsupported option AB
>>> EXPIRE key 9223372036854775807
<<< -ERR invalid expire time in 'expire' command
>>> EXPIRE key -9223372036854775807
<<< -ERR invalid expire time in 'expire' command
>>> PEXPIRE key 9223372036854775807
<<< -ERR invalid expire time in 'pexpire' command
>>> EXPIREAT key 9223372036854775807
<<< -ERR invalid expire time in 'expireat' command
>>> PEXPIREAT key 9223372036854775807
<<< :1
>>> PEXPIRETIME key
<<< :9223372036854775807
>>> EXPIRE none 9223372036854775807
<<< -ERR invalid expire time in 'expire' command
>>> EXPIRE key 0
<<< :1
>>> EXISTS key
<<< :0
>>> SET key v
<<< +OK
>>> EXPIRE key -1
<<< :1
>>> EXISTS key
<<< :0
>>> SET key v
<<< +OK
>>> EXPIREAT key 1
<<< :1
>>> EXISTS key
<<< :0
>>> SET key v
<<< +OK
>>> PEXPIREAT key -5
<<< :1
>>> EXISTS key
<<< :0
>>> SET key v
<<< +OK
>>> PEXPIRE key 1
<<< :1
~~~ 5
>>> GET key
<<< $-1
>>> EXPIRE key
<<< -ERR wrong number of arguments for 'expire' command
>>> PEXPIRE key
<<< -ERR wrong number of arguments for 'pexpire' command
>>> EXPIREAT key
<<< -ERR wrong number of arguments for 'expireat' command
>>> PEXPIREAT key
<<< -ERR wrong number of arguments for 'pexpireat' command
>>> TTL
<<< -ERR wrong number of arguments for 'ttl' command
>>> PTTL
<<< -ERR wrong number of arguments for 'pttl' command
>>> EXPIRETIME
<<< -ERR wrong number of arguments for 'expiretime' command
>>> PEXPIRETIME
<<< -ERR wrong number of arguments for 'pexpiretime' command
>>> PERSIST
<<< -ERR wrong number of arguments for 'persist' command
