# MSETNX stores all or nothing.
=== redis
>>> MSETNX a 1 b 2
<<< :1
>>> MSETNX b 3 c 4
<<< :0
>>> MGET a b c
<<< *3
<<< $1
<<< 1
<<< $1
<<< 2
<<< $-1
>>> MSETNX d 1 d 2
<<< :1
>>> GET d
<<< $1
<<< 2
>>> MSETNX a 1 b
<<< -ERR wrong number of arguments for 'msetnx' command
>>> MSETNX a
<<< -ERR wrong number of arguments for 'msetnx' command
