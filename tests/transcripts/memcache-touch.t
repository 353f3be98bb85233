# touch, gat, gats.
=== memcache
>>> touch none 10
<<< NOT_FOUND
+++ touch_misses 1
>>> set key 3 0 1
>>> x
<<< STORED
>>> touch key 100
<<< TOUCHED
+++ touch_hits 1
>>> get key
<<< VALUE key 3 1
<<< x
<<< END
>>> gat 100 key none
<<< VALUE key 3 1
<<< x
<<< END
>>> gats 0 none
<<< END
>>> touch key -1
<<< TOUCHED
>>> get key
<<< END
>>> set key 3 0 1
>>> x
<<< STORED
>>> gat -1 key
<<< VALUE key 3 1
<<< x
<<< END
>>> get key
<<< END
>>> touch key x
<<< CLIENT_ERROR invalid exptime argument
>>> touch key
<<< ERROR
>>> gat 0
<<< END
>>> gat
<<< ERROR
>>> set key 3 0 1
>>> x
<<< STORED
>>> touch key 10 noreply
>>> get key
<<< VALUE key 3 1
<<< x
<<< END
