# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# A PVH guest.  Its clock must be the processor's: Xen's emulation of it
# does not work inside QEMU's.

check 'xl create' domain_linux one beat 'type="pvh"' 'tsc_mode="native"'
check 'its user space has written' domain_up one
check 'it reads what it writes' domain_beats one
check 'its watch fires' domain_answers one first
check 'xl shutdown -w' timeout $limit xl shutdown -w one
