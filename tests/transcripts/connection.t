# PING, ECHO, QUIT, RESET and what is said to an unknown command.
=== redis
>>> PING
<<< +PONG
>>> PING hello
<<< $5
<<< hello
>>> PING a b
<<< -ERR wrong number of arguments for 'ping' command
>>> ECHO "hello world"
<<< $11
<<< hello world
>>> ECHO
<<< -ERR wrong number of arguments for 'echo' command
>>> FOO
<<< -ERR unknown command 'FOO', with args beginning with: 
>>> FOO a b
<<< -ERR unknown command 'FOO', with args beginning with: 'a' 'b' 
>>> "f\x0d\x0ao" a
<<< -ERR unknown command 'f  o', with args beginning with: 'a' 
>>> FOO <x*200> b
<<< -ERR unknown command 'FOO', with args beginning with: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' 
>>> <y*200> a b
<<< -ERR unknown command 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy', with args beginning with: 'a' 'b' 
>>> FOO a <x*130> c
<<< -ERR unknown command 'FOO', with args beginning with: 'a' 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' 
>>> FOO <x*125> c d e
<<< -ERR unknown command 'FOO', with args beginning with: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' 
>>> SELECT 1
<<< +OK
>>> MULTI
<<< +OK
>>> SET a 1
<<< +QUEUED
>>> RESET
<<< +RESET
>>> EXEC
<<< -ERR EXEC without MULTI
>>> SET zero 1
<<< +OK
>>> SELECT 0
<<< +OK
>>> EXISTS zero
<<< :1
>>> RESET x
<<< -ERR wrong number of arguments for 'reset' command
>>> QUIT
<<< +OK
<<< <close>
=== redis again
>>> QUIT x
<<< +OK
<<< <close>
