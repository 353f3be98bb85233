# SETNX stores only where nothing is.
=== redis
>>> SETNX key a
<<< :1
>>> SETNX key b
<<< :0
>>> GET key
<<< $1
<<< a
>>> SETNX key
<<< -ERR wrong number of arguments for 'setnx' command
