# STRLEN.
=== redis
>>> STRLEN key
<<< :0
>>> SET key hello
<<< +OK
>>> STRLEN key
<<< :5
>>> STRLEN
<<< -ERR wrong number of arguments for 'strlen' command
