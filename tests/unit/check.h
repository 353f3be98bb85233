/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every unit test includes: cmocka with the headers that it wants before it.
 */
#ifndef HEARTH_TESTS_CHECK_H
#define HEARTH_TESTS_CHECK_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
