# stats and its sections: memcached's own names, which exporters read.
=== memcache
>>> stats reset
<<< RESET
>>> stats
<<< /STAT pid [0-9]+/
<<< /STAT uptime [0-9]+/
<<< /STAT time [0-9]+/
<<< STAT version 1.6.18
<<< ...
<<< STAT pointer_size 64
<<< ...
<<< /STAT curr_connections [0-9]+/
<<< /STAT total_connections [0-9]+/
<<< ...
<<< STAT cmd_get 0
<<< STAT cmd_set 0
<<< ...
<<< STAT get_hits 0
<<< STAT get_misses 0
<<< ...
<<< /STAT limit_maxbytes [0-9]+/
<<< ...
<<< /STAT threads [0-9]+/
<<< ...
<<< /STAT bytes [0-9]+/
<<< /STAT curr_items [0-9]+/
<<< ...
<<< /STAT evictions [0-9]+/
<<< ...
<<< END
>>> stats settings
<<< /STAT maxbytes [0-9]+/
<<< /STAT maxconns [0-9]+/
<<< /STAT tcpport [0-9]+/
<<< ...
<<< /STAT evictions (on|off)/
<<< ...
<<< STAT item_size_max 1048576
<<< ...
<<< END
>>> stats conns
<<< ...
<<< /STAT [0-9]+:addr tcp:127.0.0.1:[0-9]+/
<<< ...
<<< END
>>> stats sizes
<<< STAT sizes_status disabled
<<< END
>>> set key 0 0 1
>>> x
<<< STORED
>>> stats items
<<< /STAT items:1:number [1-9][0-9]*/
<<< ...
<<< END
>>> stats slabs
<<< ...
<<< /STAT 1:get_hits [0-9]+/
<<< /STAT 1:cmd_set [0-9]+/
<<< ...
<<< /STAT active_slabs [0-9]+/
<<< /STAT total_malloced [0-9]+/
<<< END
>>> stats nosuch
<<< ERROR
