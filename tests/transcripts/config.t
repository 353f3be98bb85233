# CONFIG.
=== redis
>>> CONFIG
<<< -ERR wrong number of arguments for 'config' command
>>> CONFIG FOO
<<< -ERR unknown subcommand 'FOO'. Try CONFIG HELP.
>>> CONFIG GET
<<< -ERR wrong number of arguments for 'config|get' command
>>> CONFIG GET nosuch
<<< *0
>>> CONFIG GET databases
<<< *2
<<< $9
<<< databases
<<< $2
<<< 16
>>> CONFIG GET DATABASES nosuch
<<< *2
<<< $9
<<< DATABASES
<<< $2
<<< 16
>>> CONFIG SET nosuch 1
<<< -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
>>> CONFIG SET databases 3
<<< -ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
>>> CONFIG SET timeout
<<< -ERR wrong number of arguments for 'config|set' command
>>> CONFIG SET a 1 b
<<< -ERR syntax error
>>> CONFIG RESETSTAT
<<< +OK
>>> CONFIG RESETSTAT x
<<< -ERR wrong number of arguments for 'config|resetstat' command
>>> CONFIG REWRITE
<<< -ERR The server is running without a config file
>>> CONFIG SET loglevel foo
<<< /-ERR CONFIG SET failed \(possibly related to argument 'loglevel'\) - .*/
>>> CONFIG SET loglevel notice
<<< +OK
>>> CONFIG HELP
<<< ...
<<< /\+ +[A-Z].*/
*** the words of HELP are our own
