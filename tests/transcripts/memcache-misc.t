# version, verbosity, quit, unknown words.
=== memcache
>>> verbosity 1
<<< OK
>>> verbosity 0
<<< OK
>>> verbosity
<<< ERROR
>>> verbosity x
<<< CLIENT_ERROR bad command line format
>>> verbosity 0 noreply
>>> nosuch
<<< ERROR
>>> shutdown
<<< ERROR: shutdown not enabled
>>> set key 0 0 x
<<< CLIENT_ERROR bad command line format
>>> set key 0 0 -1
<<< CLIENT_ERROR bad command line format
>>> version
<<< /VERSION 1\.6\.[0-9]+/
=== memcache quitting
>>> quit
<<< <close>
