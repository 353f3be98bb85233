# SHUTDOWN: its errors; that it stops the server cleanly is the matter of the restart suites.
=== redis
>>> SHUTDOWN FOO
<<< -ERR syntax error
>>> SHUTDOWN SAVE NOSAVE
<<< -ERR syntax error
>>> SHUTDOWN ABORT
<<< -ERR No shutdown in progress.
>>> SHUTDOWN NOSAVE ABORT
<<< -ERR syntax error
