# get, gets: values, flags and uniques.
=== memcache
>>> get none
<<< END
+++ get_misses 1
>>> set key 5 0 3
>>> abc
<<< STORED
>>> get key
<<< VALUE key 5 3
<<< abc
<<< END
+++ get_hits 1
+++ cmd_get 1
>>> set other 4294967295 0 0
>>> 
<<< STORED
>>> get key none other
<<< VALUE key 5 3
<<< abc
<<< VALUE other 4294967295 0
<<< 
<<< END
>>> gets key
<<< /VALUE key 5 3 [0-9]+/
<<< abc
<<< END
>>> gets none
<<< END
>>> get
<<< ERROR
>>> gets
<<< ERROR
>>> get key key
<<< VALUE key 5 3
<<< abc
<<< VALUE key 5 3
<<< abc
<<< END
