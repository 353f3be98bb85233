#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# SUITE_ASAN
"""Hearth beside redis-server: tests/differential/redis_compare.py."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'differential'))
sys.dont_write_bytecode = True

import redis_compare  # noqa: E402

redis_compare.main()
