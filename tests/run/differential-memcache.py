#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# SUITE_ASAN
"""Hearth beside memcached: tests/differential/memcache_compare.py."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'differential'))
sys.dont_write_bytecode = True

import memcache_compare  # noqa: E402

memcache_compare.main()
