# SELECT: sixteen databases.
=== redis
>>> SELECT 0
<<< +OK
>>> SELECT 15
<<< +OK
>>> SET a 1
<<< +OK
>>> SELECT 16
<<< -ERR DB index is out of range
>>> SELECT -1
<<< -ERR DB index is out of range
>>> SELECT x
<<< -ERR value is not an integer or out of range
>>> GET a
<<< $1
<<< 1
>>> SELECT 0
<<< +OK
>>> GET a
<<< $-1
>>> SELECT 99999999999
<<< -ERR value is out of range, value must between -2147483648 and 2147483647
>>> SELECT 9999999999999999999999
<<< -ERR value is not an integer or out of range
>>> SELECT
<<< -ERR wrong number of arguments for 'select' command
