# HELLO: RESP2 only.
=== redis
>>> HELLO 1
<<< -NOPROTO unsupported protocol version
>>> HELLO 4
<<< -NOPROTO unsupported protocol version
>>> HELLO x
<<< -ERR Protocol version is not an integer or out of range
>>> HELLO 2
<<< *14
<<< $6
<<< server
<<< $5
<<< redis
<<< $7
<<< version
<<< $6
<<< 7.0.15
<<< $5
<<< proto
<<< :2
<<< $2
<<< id
<<< /:[0-9]+/
<<< $4
<<< mode
<<< $10
<<< standalone
<<< $4
<<< role
<<< $6
<<< master
<<< $7
<<< modules
<<< *0
>>> HELLO
<<< *14
<<< $6
<<< server
<<< $5
<<< redis
<<< $7
<<< version
<<< $6
<<< 7.0.15
<<< $5
<<< proto
<<< :2
<<< $2
<<< id
<<< /:[0-9]+/
<<< $4
<<< mode
<<< $10
<<< standalone
<<< $4
<<< role
<<< $6
<<< master
<<< $7
<<< modules
<<< *0
>>> HELLO 2 SETNAME me
<<< *14
<<< $6
<<< server
<<< $5
<<< redis
<<< $7
<<< version
<<< $6
<<< 7.0.15
<<< $5
<<< proto
<<< :2
<<< $2
<<< id
<<< /:[0-9]+/
<<< $4
<<< mode
<<< $10
<<< standalone
<<< $4
<<< role
<<< $6
<<< master
<<< $7
<<< modules
<<< *0
>>> CLIENT GETNAME
<<< $2
<<< me
>>> HELLO 2 AUTH
<<< -ERR Syntax error in HELLO option 'AUTH'
>>> HELLO 2 AUTH default x
<<< *14
<<< $6
<<< server
<<< $5
<<< redis
<<< $7
<<< version
<<< $6
<<< 7.0.15
<<< $5
<<< proto
<<< :2
<<< $2
<<< id
<<< /:[0-9]+/
<<< $4
<<< mode
<<< $10
<<< standalone
<<< $4
<<< role
<<< $6
<<< master
<<< $7
<<< modules
<<< *0
>>> HELLO 2 AUTH nobody x
<<< -WRONGPASS invalid username-password pair or user is disabled.
>>> HELLO 2 SETNAME "a b"
<<< -ERR Client names cannot contain spaces, newlines or special characters.
>>> HELLO 2 SETNAME
<<< -ERR Syntax error in HELLO option 'SETNAME'
>>> HELLO 2 FOO
<<< -ERR Syntax error in HELLO option 'FOO'
>>> HELLO 3
<<< -NOPROTO unsupported protocol version
*** RESP3 is not spoken yet
