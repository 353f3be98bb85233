# SCAN: its options and errors. That it finds everything is the matter of tests/run/commands.py.
=== redis
>>> SCAN 0
<<< *2
<<< $1
<<< 0
<<< *0
>>> SET hello 1
<<< +OK
>>> SCAN 0 COUNT 100
<<< *2
<<< $1
<<< 0
<<< *1
<<< $5
<<< hello
>>> SCAN 0 MATCH h* COUNT 100
<<< *2
<<< $1
<<< 0
<<< *1
<<< $5
<<< hello
>>> SCAN 0 MATCH x* COUNT 100
<<< *2
<<< $1
<<< 0
<<< *0
>>> SCAN 0 TYPE string COUNT 100
<<< *2
<<< $1
<<< 0
<<< *1
<<< $5
<<< hello
>>> SCAN 0 TYPE STRING COUNT 100
<<< *2
<<< $1
<<< 0
<<< *1
<<< $5
<<< hello
>>> SCAN 0 TYPE list COUNT 100
<<< *2
<<< $1
<<< 0
<<< *0
>>> SCAN 0 TYPE foo COUNT 100
<<< *2
<<< $1
<<< 0
<<< *0
>>> SCAN x
<<< -ERR invalid cursor
>>> SCAN 18446744073709551616
<<< -ERR invalid cursor
>>> SCAN 0 COUNT 0
<<< -ERR syntax error
>>> SCAN 0 COUNT -1
<<< -ERR syntax error
>>> SCAN 0 COUNT x
<<< -ERR value is not an integer or out of range
>>> SCAN 0 MATCH
<<< -ERR syntax error
>>> SCAN 0 FOO
<<< -ERR syntax error
>>> SCAN 0 FOO bar
<<< -ERR syntax error
>>> SCAN
<<< -ERR wrong number of arguments for 'scan' command
