# APPEND makes or lengthens a value and keeps its expiry.
=== redis
>>> APPEND key Hello
<<< :5
>>> EXPIRE key 100
<<< :1
>>> APPEND key " World"
<<< :11
>>> GET key
<<< $11
<<< Hello World
>>> TTL key
<<< /:(99|100)/
>>> APPEND key ""
<<< :11
>>> APPEND fresh ""
<<< :0
>>> EXISTS fresh
<<< :1
>>> APPEND key
<<< -ERR wrong number of arguments for 'append' command
