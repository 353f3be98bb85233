# TYPE.
=== redis
>>> TYPE key
<<< +none
>>> SET key v
<<< +OK
>>> TYPE key
<<< +string
>>> TYPE
<<< -ERR wrong number of arguments for 'type' command
