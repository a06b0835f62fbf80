# SPDX-License-Identifier: GPL-2.0-or-later
# Units name installed paths, which make knows and configure does not.
systemdsystemunit_DATA = systemd/xenstored.service systemd/xenstored.socket
EXTRA_DIST += systemd/xenstored.service.in systemd/xenstored.socket
CLEANFILES += systemd/xenstored.service

systemd/xenstored.service: $(top_srcdir)/systemd/xenstored.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' \
		$(top_srcdir)/systemd/xenstored.service.in > $@.tmp && \
	mv $@.tmp $@
