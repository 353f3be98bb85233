# SUBSTR is GETRANGE under its first name.
=== redis
>>> SET key abcdef
<<< +OK
>>> SUBSTR key 1 2
<<< $2
<<< bc
>>> SUBSTR none 1 2
<<< $0
<<< 
>>> SUBSTR key
<<< -ERR wrong number of arguments for 'substr' command
