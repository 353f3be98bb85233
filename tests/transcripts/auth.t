# AUTH without a password set; with one: tests/run/commands.py.
=== redis
>>> AUTH secret
<<< -ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
>>> AUTH default secret
<<< +OK
>>> AUTH other secret
<<< -WRONGPASS invalid username-password pair or user is disabled.
>>> AUTH
<<< -ERR wrong number of arguments for 'auth' command
>>> AUTH a b c
<<< -ERR syntax error
