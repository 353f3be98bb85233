# INCRBYFLOAT: decimal fractions.
=== redis
>>> INCRBYFLOAT f 10.5
<<< $4
<<< 10.5
>>> INCRBYFLOAT f 0.1
<<< $4
<<< 10.6
>>> INCRBYFLOAT f -5
<<< $3
<<< 5.6
>>> SET f 5.0e3
<<< +OK
>>> INCRBYFLOAT f 2.0e2
<<< $4
<<< 5200
>>> GET f
<<< $4
<<< 5200
>>> EXPIRE f 100
<<< :1
>>> INCRBYFLOAT f 1
<<< $4
<<< 5201
>>> TTL f
<<< /:(99|100)/
>>> SET f 1
<<< +OK
>>> INCRBYFLOAT f 0.000000000000000001
<<< $1
<<< 1
>>> INCRBYFLOAT f 1e3
<<< $4
<<< 1001
>>> INCRBYFLOAT f inf
<<< -ERR increment would produce NaN or Infinity
>>> INCRBYFLOAT f -inf
<<< -ERR increment would produce NaN or Infinity
>>> INCRBYFLOAT f nan
<<< -ERR value is not a valid float
>>> INCRBYFLOAT f x
<<< -ERR value is not a valid float
>>> INCRBYFLOAT f ""
<<< -ERR value is not a valid float
>>> INCRBYFLOAT f " 1"
<<< -ERR value is not a valid float
>>> INCRBYFLOAT f "1 "
<<< -ERR value is not a valid float
>>> INCRBYFLOAT f 0x10
<<< $4
<<< 1017
>>> INCRBYFLOAT f 1e5000
<<< -ERR value is not a valid float
>>> INCRBYFLOAT f 1e-5000
<<< -ERR value is not a valid float
>>> SET f 0.5
<<< +OK
>>> INCRBYFLOAT f -0.5
<<< $1
<<< 0
>>> SET f -0.0
<<< +OK
>>> INCRBYFLOAT f 0
<<< $1
<<< 0
>>> SET f abc
<<< +OK
>>> INCRBYFLOAT f 1
<<< -ERR value is not a valid float
>>> INCRBYFLOAT f x
<<< -ERR value is not a valid float
>>> SET f 3
<<< +OK
>>> INCRBYFLOAT f 1.000000000000000000000000000001
<<< $1
<<< 4
>>> INCRBYFLOAT f 1e30
<<< $31
<<< 1000000000000000000024696061952
>>> INCRBYFLOAT f 0.3
<<< $31
<<< 1000000000000000000024696061952
>>> SET f 1e4932
<<< +OK
>>> INCRBYFLOAT f 1e4932
<<< -ERR increment would produce NaN or Infinity
>>> SET f inf
<<< +OK
>>> INCRBYFLOAT f 1
<<< -ERR increment would produce NaN or Infinity
>>> INCRBYFLOAT f
<<< -ERR wrong number of arguments for 'incrbyfloat' command
