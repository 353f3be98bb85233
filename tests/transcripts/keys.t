# KEYS, RANDOMKEY, DBSIZE: what is in a database.
=== redis
>>> KEYS *
<<< *0
>>> RANDOMKEY
<<< $-1
>>> DBSIZE
<<< :0
>>> SET hello 1
<<< +OK
>>> RANDOMKEY
<<< $5
<<< hello
>>> KEYS *
<<< *1
<<< $5
<<< hello
>>> KEYS h?llo
<<< *1
<<< $5
<<< hello
>>> KEYS h[ae]llo
<<< *1
<<< $5
<<< hello
>>> KEYS h[^e]llo
<<< *0
>>> KEYS x*
<<< *0
>>> KEYS hello
<<< *1
<<< $5
<<< hello
>>> DBSIZE
<<< :1
>>> KEYS
<<< -ERR wrong number of arguments for 'keys' command
>>> DBSIZE x
<<< -ERR wrong number of arguments for 'dbsize' command
>>> RANDOMKEY x
<<< -ERR wrong number of arguments for 'randomkey' command
