# SPDX-License-Identifier: BSD-3-Clause
# Man pages: man/NAME.in with the sections of options and commands, which the programs print from their tables.
man_MANS = man/hearthd.8 man/hearth.conf.5 man/hearth-bench.1
EXTRA_DIST += man/hearthd.8.in man/hearth.conf.5.in man/hearth-bench.1.in
CLEANFILES += $(man_MANS) man/options.man man/commands.man man/bench-options.man

man/options.man: server/hearthd$(EXEEXT)
	@$(MKDIR_P) man
	$(AM_V_GEN)server/hearthd$(EXEEXT) --print-man-options >$@.tmp && mv $@.tmp $@
man/commands.man: server/hearthd$(EXEEXT)
	@$(MKDIR_P) man
	$(AM_V_GEN)server/hearthd$(EXEEXT) --print-man-commands >$@.tmp && mv $@.tmp $@
man/bench-options.man: bench/hearth-bench$(EXEEXT)
	@$(MKDIR_P) man
	$(AM_V_GEN)bench/hearth-bench$(EXEEXT) --print-man-options >$@.tmp && mv $@.tmp $@

MAN_FILL = sed -e 's/@VERSION@/$(PACKAGE_VERSION)/' \
	-e '/^@OPTIONS@$$/{r man/options.man' -e 'd;}' \
	-e '/^@BENCH_OPTIONS@$$/{r man/bench-options.man' -e 'd;}' \
	-e '/^@COMMANDS@$$/{r man/commands.man' -e 'd;}'
man/hearthd.8: man/hearthd.8.in man/options.man man/commands.man
	$(AM_V_GEN)$(MAN_FILL) $(srcdir)/man/hearthd.8.in >$@.tmp && mv $@.tmp $@
man/hearth.conf.5: man/hearth.conf.5.in man/options.man
	$(AM_V_GEN)$(MAN_FILL) $(srcdir)/man/hearth.conf.5.in >$@.tmp && mv $@.tmp $@
man/hearth-bench.1: man/hearth-bench.1.in man/bench-options.man
	$(AM_V_GEN)$(MAN_FILL) $(srcdir)/man/hearth-bench.1.in >$@.tmp && mv $@.tmp $@
