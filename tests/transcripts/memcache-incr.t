# incr and decr: 64 bits without sign; a shorter result is filled with spaces.
=== memcache
>>> incr none 1
<<< NOT_FOUND
+++ incr_misses 1
>>> decr none 1
<<< NOT_FOUND
+++ decr_misses 1
>>> set n 5 0 2
>>> 10
<<< STORED
>>> incr n 1
<<< 11
+++ incr_hits 1
>>> decr n 2
<<< 9
+++ decr_hits 1
>>> get n
<<< VALUE n 5 2
<<< 9 
<<< END
>>> incr n 991
<<< 1000
>>> get n
<<< VALUE n 5 4
<<< 1000
<<< END
>>> decr n 990
<<< 10
>>> get n
<<< VALUE n 5 4
<<< 10  
<<< END
>>> incr n 3
<<< 13
>>> get n
<<< VALUE n 5 4
<<< 13  
<<< END
>>> decr n 100
<<< 0
>>> get n
<<< VALUE n 5 4
<<< 0   
<<< END
>>> set n 0 0 20
>>> 18446744073709551615
<<< STORED
>>> incr n 1
<<< 0
>>> get n
<<< VALUE n 0 20
<<< 0                   
<<< END
>>> incr n 5
<<< 5
>>> set n 0 0 3
>>> abc
<<< STORED
>>> incr n 1
<<< CLIENT_ERROR cannot increment or decrement non-numeric value
>>> decr n 1
<<< CLIENT_ERROR cannot increment or decrement non-numeric value
>>> incr n abc
<<< CLIENT_ERROR invalid numeric delta argument
>>> incr n -1
<<< CLIENT_ERROR invalid numeric delta argument
>>> incr n 18446744073709551616
<<< CLIENT_ERROR invalid numeric delta argument
>>> set n 0 0 2
>>> -1
<<< STORED
>>> incr n 1
<<< CLIENT_ERROR cannot increment or decrement non-numeric value
>>> set n 0 0 0
>>> 
<<< STORED
>>> incr n 1
<<< CLIENT_ERROR cannot increment or decrement non-numeric value
>>> set n 0 0 4
>>> 0009
<<< STORED
>>> incr n 1
<<< 10
>>> get n
<<< VALUE n 0 4
<<< 10  
<<< END
>>> set n 0 0 3
>>>  12
<<< STORED
>>> incr n 1
<<< 13
>>> get n
<<< VALUE n 0 3
<<< 13 
<<< END
>>> set n 0 0 21
>>> 000000000000000000001
<<< STORED
>>> incr n 1
<<< 2
>>> set n 0 0 22
>>> 0000000000000000000001
<<< STORED
>>> incr n 1
<<< 2
>>> set n 0 0 3
>>> 1 2
<<< STORED
>>> incr n 1
<<< 2
>>> get n
<<< VALUE n 0 3
<<< 2  
<<< END
>>> incr n 1 noreply
>>> get n
<<< VALUE n 0 3
<<< 3  
<<< END
>>> incr n
<<< ERROR
>>> set n 0 0 20
>>> 18446744073709551616
<<< STORED
>>> incr n 1
<<< CLIENT_ERROR cannot increment or decrement non-numeric value
>>> set n 3 100 1
>>> 1
<<< STORED
>>> incr n 1
<<< 2
>>> get n
<<< VALUE n 3 1
<<< 2
<<< END
