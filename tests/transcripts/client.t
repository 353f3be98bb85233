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
>>> CLIENT SETNAME
<<< -ERR wrong number of arguments for 'client|setname' command
>>> CLIENT INFO x
<<< -ERR wrong number of arguments for 'client|info' command
>>> CLIENT HELP
<<< ...
<<< /\+ +[A-Z].*/
*** the words of HELP are our own
