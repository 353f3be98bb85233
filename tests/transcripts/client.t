# CLIENT.
=== redis
>>> CLIENT
<<< -ERR wrong number of arguments for 'client' command
>>> CLIENT FOO
<<< -ERR unknown subcommand 'FOO'. Try CLIENT HELP.
>>> CLIENT ID
<<< /:[0-9]+/
>>> CLIENT ID x
<<< -ERR wrong number of arguments for 'client|id' command
>>> CLIENT GETNAME
<<< $-1
>>> CLIENT SETNAME me
<<< +OK
>>> CLIENT GETNAME
<<< $2
<<< me
>>> CLIENT SETNAME "a b"
<<< -ERR Client names cannot contain spaces, newlines or special characters.
>>> CLIENT SETNAME "a\x0ab"
<<< -ERR Client names cannot contain spaces, newlines or special characters.
>>> CLIENT GETNAME
<<< $2
<<< me
>>> CLIENT SETNAME ""
<<< +OK
>>> CLIENT GETNAME
<<< $-1
>>> CLIENT INFO
<<< /\$[0-9]+/
<<< /(id=[0-9]+ addr=[^ ]+ laddr=[^ ]+ fd=[0-9]+ name=[^ ]* age=[0-9]+ idle=[0-9]+ flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 [^\n]* cmd=[a-z|]+ user=default redir=-1 resp=2\n)+/
>>> CLIENT LIST
<<< /\$[0-9]+/
<<< /(id=[0-9]+ addr=[^ ]+ laddr=[^ ]+ fd=[0-9]+ name=[^ ]* age=[0-9]+ idle=[0-9]+ flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 [^\n]* cmd=[a-z|]+ user=default redir=-1 resp=2\n)+/
>>> CLIENT LIST TYPE normal
<<< /\$[0-9]+/
<<< /(id=[0-9]+ addr=[^ ]+ laddr=[^ ]+ fd=[0-9]+ name=[^ ]* age=[0-9]+ idle=[0-9]+ flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 [^\n]* cmd=[a-z|]+ user=default redir=-1 resp=2\n)+/
>>> CLIENT LIST TYPE foo
<<< -ERR Unknown client type 'foo'
>>> CLIENT LIST ID x
<<< -ERR Invalid client ID
>>> CLIENT LIST ID 999999
<<< $0
<<< 
>>> CLIENT LIST FOO
<<< -ERR syntax error
>>> CLIENT KILL
<<< -ERR wrong number of arguments for 'client|kill' command
>>> CLIENT KILL 1.2.3.4:5
<<< -ERR No such client
>>> CLIENT KILL ID 999999
<<< :0
>>> CLIENT KILL ID x
<<< -ERR client-id should be greater than 0
>>> CLIENT KILL ID 0
<<< -ERR client-id should be greater than 0
>>> CLIENT KILL ADDR 1.2.3.4:5 USER default TYPE normal
<<< :0
>>> CLIENT KILL USER nosuch
<<< -ERR No such user 'nosuch'
>>> CLIENT KILL TYPE foo
<<< -ERR Unknown client type 'foo'
>>> CLIENT KILL TYPE replica
<<< :0
>>> CLIENT KILL SKIPME maybe
<<< -ERR syntax error
>>> CLIENT KILL ID 999999 ADDR
<<< -ERR syntax error
>>> CLIENT KILL FOO x
<<< -ERR syntax error
>>> CLIENT LIST ID 0
<<< $0
<<< 
>>> MULTI
<<< +OK
>>> PING
<<< +QUEUED
>>> CLIENT INFO
<<< +QUEUED
>>> EXEC
<<< *2
<<< +PONG
<<< /\$[0-9]+/
<<< /id=[0-9]+ .* flags=x db=0 sub=0 psub=0 ssub=0 multi=2 .*\n/
>>> CLIENT SETNAME
<<< -ERR wrong number of arguments for 'client|setname' command
>>> CLIENT INFO x
<<< -ERR wrong number of arguments for 'client|info' command
>>> CLIENT HELP
<<< ...
<<< /\+ +[A-Z].*/
*** the words of HELP are our own
