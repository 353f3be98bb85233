# GETDEL reads and deletes.
=== redis
>>> SET key v
<<< +OK
>>> GETDEL key
<<< $1
<<< v
>>> GETDEL key
<<< $-1
>>> EXISTS key
<<< :0
>>> GETDEL
<<< -ERR wrong number of arguments for 'getdel' command
