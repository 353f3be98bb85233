# SPDX-License-Identifier: BSD-3-Clause
# Man pages. One file a line; see the folder for how they are made.
dist_man_MANS +=
