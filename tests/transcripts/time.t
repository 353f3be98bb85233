# TIME.
=== redis
>>> TIME
<<< *2
<<< $10
<<< /[0-9]+/
<<< /\$[1-6]/
<<< /[0-9]+/
>>> TIME x
<<< -ERR wrong number of arguments for 'time' command
