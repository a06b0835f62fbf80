# SPDX-License-Identifier: GPL-2.0-or-later
# Run by tests/xen/run, which boots a machine for each; not by make check.
check_PROGRAMS += tests/xen/supervise
tests_xen_supervise_SOURCES = tests/xen/supervise.c
tests_xen_supervise_LDADD =
check_PROGRAMS += tests/xen/xenbus-client
tests_xen_xenbus_client_SOURCES = tests/xen/xenbus.c
tests_xen_xenbus_client_LDADD = libproxenos-core.la

EXTRA_DIST += tests/xen/run tests/xen/images.sh tests/xen/boots.py \
	tests/xen/machine.py tests/xen/block tests/xen/dom0-init \
	tests/xen/dom0.sh tests/xen/daemon.sh tests/xen/domain.sh \
	tests/xen/guest-init tests/xen/t_change.sh \
	tests/xen/t_channel.sh tests/xen/t_disk.sh tests/xen/t_dom0.sh \
	tests/xen/t_guest.sh tests/xen/t_guest_store.sh \
	tests/xen/t_flight.sh tests/xen/t_kill.sh tests/xen/t_life.sh tests/xen/t_pvh.sh \
	tests/xen/t_save.sh tests/xen/t_systemd.sh tests/xen/t_two.sh \
	tests/xen/t_xenbus.sh tests/xen/systemd/root-init \
	tests/xen/systemd/daemon.sh tests/xen/systemd/early.service \
	tests/xen/systemd/xen-init-dom0.service \
	tests/xen/systemd/xenconsoled.service \
	tests/xen/systemd/xen-test.service

# The guest that drives its ring itself: freestanding, for x86-64.
xen_guest_sources = tests/xen/guest/start.S tests/xen/guest/main.c \
	tests/xen/guest/xen.c lib/ring_client.c lib/ring_message.c
xen_guest_flags = -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter \
	-ffreestanding -nostdlib -static -no-pie -fno-pic -fno-stack-protector \
	-fno-builtin -mno-red-zone -mgeneral-regs-only -Wl,--build-id=none \
	-Wl,--no-warn-rwx-segments \
	-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__

tests/xen/ring-guest: $(xen_guest_sources) tests/xen/guest/guest.lds \
		tests/xen/guest/xen.h
	$(AM_V_GEN)$(MKDIR_P) tests/xen && $(CC) $(xen_guest_flags) \
		-I$(top_srcdir) -I$(top_srcdir)/lib/include \
		-T $(top_srcdir)/tests/xen/guest/guest.lds -o $@ \
		$(xen_guest_sources:%=$(top_srcdir)/%)

CLEANFILES += tests/xen/ring-guest
EXTRA_DIST += $(xen_guest_sources) tests/xen/guest/guest.lds \
	tests/xen/guest/xen.h tests/xen/t_ring.sh
