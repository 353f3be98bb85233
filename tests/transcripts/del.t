# DEL, UNLINK, EXISTS, TOUCH.
=== redis
>>> MSET a 1 b 2 c 3
<<< +OK
>>> EXISTS a b none a
<<< :3
>>> TOUCH a b none a
<<< :3
>>> DEL a none a
<<< :1
>>> EXISTS a
<<< :0
>>> UNLINK b none b c
<<< :2
>>> DBSIZE
<<< :0
>>> DEL
<<< -ERR wrong number of arguments for 'del' command
>>> UNLINK
<<< -ERR wrong number of arguments for 'unlink' command
>>> EXISTS
<<< -ERR wrong number of arguments for 'exists' command
>>> TOUCH
<<< -ERR wrong number of arguments for 'touch' command
