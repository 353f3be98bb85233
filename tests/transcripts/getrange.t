# GETRANGE and SUBSTR, its old name, with offsets from either end.
=== redis
>>> SET key "This is a string"
<<< +OK
>>> GETRANGE key 0 3
<<< $4
<<< This
>>> GETRANGE key -3 -1
<<< $3
<<< ing
>>> GETRANGE key 0 -1
<<< $16
<<< This is a string
>>> GETRANGE key 10 100
<<< $6
<<< string
>>> GETRANGE key 5 3
<<< $0
<<< 
>>> GETRANGE key -1 -5
<<< $0
<<< 
>>> GETRANGE key -100 2
<<< $3
<<< Thi
>>> GETRANGE key 100 200
<<< $0
<<< 
>>> GETRANGE none 0 -1
<<< $0
<<< 
>>> GETRANGE key x 1
<<< -ERR value is not an integer or out of range
>>> GETRANGE key 0 x
<<< -ERR value is not an integer or out of range
>>> GETRANGE key 0
<<< -ERR wrong number of arguments for 'getrange' command
>>> SUBSTR key 0 3
<<< $4
<<< This
>>> GETRANGE key -9223372036854775808 9223372036854775807
<<< $16
<<< This is a string
>>> SUBSTR key -200 -100
<<< $1
<<< T
