# append and prepend: the flags and the expiry stay.
=== memcache
>>> append none 0 0 1
>>> x
<<< NOT_STORED
>>> prepend none 0 0 1
>>> x
<<< NOT_STORED
>>> set key 7 0 3
>>> bcd
<<< STORED
>>> append key 9 0 2
>>> ef
<<< STORED
>>> prepend key 9 0 1
>>> a
<<< STORED
>>> get key
<<< VALUE key 7 6
<<< abcdef
<<< END
>>> append key 0 0 0
>>> 
<<< STORED
>>> get key
<<< VALUE key 7 6
<<< abcdef
<<< END
>>> append key 0 0 1 noreply
>>> g
>>> get key
<<< VALUE key 7 7
<<< abcdefg
<<< END
