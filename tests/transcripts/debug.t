# DEBUG.
=== redis
>>> DEBUG
<<< -ERR wrong number of arguments for 'debug' command
>>> DEBUG FOO
<<< -ERR unknown subcommand or wrong number of arguments for 'FOO'. Try DEBUG HELP.
>>> DEBUG SLEEP 0
<<< +OK
>>> DEBUG SLEEP
<<< -ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.
>>> FLUSHALL
<<< +OK
>>> DEBUG DIGEST
<<< +0000000000000000000000000000000000000000
>>> SET a 1
<<< +OK
>>> DEBUG DIGEST
<<< /\+[0-9a-f]{40}/
>>> DEBUG HELP
<<< ...
<<< +    Gives this text.
*** the words of HELP are our own
