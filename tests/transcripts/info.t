# INFO: sections by name.
=== redis
>>> INFO nosuch
<<< $0
<<< 
>>> INFO keyspace
<<< $12
<<< # Keyspace\x0d\x0a
>>> SET a 1
<<< +OK
>>> SET b 1 EX 100
<<< +OK
>>> SELECT 3
<<< +OK
>>> SET a 1
<<< +OK
>>> INFO keyspace
<<< $76
<<< # Keyspace\x0d\x0adb0:keys=2,expires=1,avg_ttl=0\x0d\x0adb3:keys=1,expires=0,avg_ttl=0\x0d\x0a
>>> INFO KEYSPACE keyspace
<<< $76
<<< # Keyspace\x0d\x0adb0:keys=2,expires=1,avg_ttl=0\x0d\x0adb3:keys=1,expires=0,avg_ttl=0\x0d\x0a
>>> INFO cluster
<<< $30
<<< # Cluster\x0d\x0acluster_enabled:0\x0d\x0a
>>> INFO modules
<<< $11
<<< # Modules\x0d\x0a
