# SPDX-License-Identifier: GPL-2.0-or-later
# Run by tests/xen/run, which boots a machine for each; not by make check.
check_PROGRAMS += tests/xen/supervise
tests_xen_supervise_SOURCES = tests/xen/supervise.c
tests_xen_supervise_LDADD =

EXTRA_DIST += tests/xen/run tests/xen/images.sh tests/xen/boots.py \
	tests/xen/machine.py tests/xen/block tests/xen/dom0-init \
	tests/xen/dom0.sh tests/xen/daemon.sh tests/xen/domain.sh \
	tests/xen/guest-init tests/xen/t_disk.sh tests/xen/t_dom0.sh \
	tests/xen/t_guest.sh tests/xen/t_guest_store.sh \
	tests/xen/t_kill.sh tests/xen/t_life.sh tests/xen/t_pvh.sh \
	tests/xen/t_save.sh tests/xen/t_two.sh
