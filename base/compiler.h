/* SPDX-License-Identifier: BSD-3-Clause */
/* What the compiler is told beside the code. */
#ifndef HEARTH_BASE_COMPILER_H
#define HEARTH_BASE_COMPILER_H

#define HEARTH_LIKELY(x) __builtin_expect(!!(x), 1)
#define HEARTH_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define HEARTH_MUST_USE __attribute__((warn_unused_result))
#define HEARTH_PRINTF(format, first) __attribute__((format(printf, format, first)))

#endif
