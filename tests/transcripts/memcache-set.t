# set, add, replace, cas.
=== memcache
>>> set key 1 0 1
>>> a
<<< STORED
+++ cmd_set 1
>>> add key 2 0 1
>>> b
<<< NOT_STORED
>>> get key
<<< VALUE key 1 1
<<< a
<<< END
>>> add new 2 0 1
>>> b
<<< STORED
>>> get new
<<< VALUE new 2 1
<<< b
<<< END
>>> replace none 0 0 1
>>> x
<<< NOT_STORED
>>> replace key 3 0 2
>>> cd
<<< STORED
>>> get key
<<< VALUE key 3 2
<<< cd
<<< END
>>> cas none 0 0 1 1
>>> x
<<< NOT_FOUND
+++ cas_misses 1
>>> cas key 0 0 1 99999999
>>> x
<<< EXISTS
+++ cas_badval 1
>>> get key
<<< VALUE key 3 2
<<< cd
<<< END
>>> set neg 0 -1 1
>>> x
<<< STORED
>>> get neg
<<< END
>>> set key 0 -1 1
>>> y
<<< STORED
>>> get key
<<< END
>>> set key 0 100 1
>>> y
<<< STORED
>>> add key 0 -1 1
>>> z
<<< NOT_STORED
>>> get key
<<< VALUE key 0 1
<<< y
<<< END
>>> replace key 0 -1 1
>>> z
<<< STORED
>>> get key
<<< END
>>> set key 0 1 1
>>> z
<<< STORED
>>> get key
<<< VALUE key 0 1
<<< z
<<< END
>>> set old 0 1000000000 1
>>> z
<<< STORED
>>> get old
<<< END
>>> set quiet 0 0 1 noreply
>>> q
>>> get quiet
<<< VALUE quiet 0 1
<<< q
<<< END
