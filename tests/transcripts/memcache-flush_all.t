# flush_all.
=== memcache
>>> set key 0 0 1
>>> x
<<< STORED
>>> flush_all
<<< OK
+++ cmd_flush 1
>>> get key
<<< END
>>> set key 0 0 1
>>> y
<<< STORED
>>> get key
<<< VALUE key 0 1
<<< y
<<< END
>>> flush_all 0
<<< OK
>>> get key
<<< END
>>> set key 0 0 1
>>> z
<<< STORED
>>> flush_all 100
<<< OK
>>> get key
<<< VALUE key 0 1
<<< z
<<< END
>>> flush_all noreply
>>> get key
<<< END
>>> flush_all 0 noreply
>>> flush_all x
<<< CLIENT_ERROR invalid exptime argument
