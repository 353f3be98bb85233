/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the type byte of an object says. All objects are strings so far; TYPE knows no other.
 */
#ifndef HEARTH_SERVER_OBJECT_TYPE_H
#define HEARTH_SERVER_OBJECT_TYPE_H

enum object_type {
    OBJECT_STRING = 0,
    /*
     * A string that is a number with spaces behind it, with which memcached's incr or decr has filled what a shorter
     * result left of the value. Both protocols see the spaces; Redis's INCR, which refuses such a text as a rule, takes
     * this one as the number that it is.
     */
    OBJECT_FILLED_NUMBER = 1,
};

#endif
