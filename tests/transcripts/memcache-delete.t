# delete.
=== memcache
>>> delete none
<<< NOT_FOUND
+++ delete_misses 1
>>> set key 0 0 1
>>> x
<<< STORED
>>> delete key
<<< DELETED
+++ delete_hits 1
>>> get key
<<< END
>>> set key 0 0 1
>>> x
<<< STORED
>>> delete key 0
<<< DELETED
>>> set key 0 0 1
>>> x
<<< STORED
>>> delete key 5
<<< CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]
>>> delete key 0 noreply
>>> get key
<<< END
>>> delete key noreply
>>> delete
<<< ERROR
