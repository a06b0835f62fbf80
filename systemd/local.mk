# SPDX-License-Identifier: GPL-2.0-or-later
# Units name installed paths, which make knows and configure does not.
systemdsystemunit_DATA = systemd/xenstored.service systemd/xenstored.socket \
	systemd/proc-xen.mount \
	systemd/proxenos-metrics.service systemd/proxenos-metrics.timer
EXTRA_DIST += systemd/xenstored.service.in systemd/xenstored.socket \
	systemd/proc-xen.mount \
	systemd/proxenos-metrics.service.in systemd/proxenos-metrics.timer
CLEANFILES += systemd/xenstored.service systemd/proxenos-metrics.service

systemd/xenstored.service: $(top_srcdir)/systemd/xenstored.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' \
		$(top_srcdir)/systemd/xenstored.service.in > $@.tmp && \
	mv $@.tmp $@

systemd/proxenos-metrics.service: \
		$(top_srcdir)/systemd/proxenos-metrics.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	sed -e 's|@bindir[@]|$(bindir)|g' \
		$(top_srcdir)/systemd/proxenos-metrics.service.in > $@.tmp && \
	mv $@.tmp $@
