# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# A Linux PV guest through xl, whose user space uses /dev/xen/xenbus.

# The fourth letter, of six, is p.
paused()
{
	case $(domain_state "$1") in
	*p*) ;;
	*) return 1 ;;
	esac
}

not_paused()
{
	! paused "$1"
}

check 'xl create' domain_linux one beat
check 'its user space has written' domain_up one
check 'xl list' sh -c 'xl list | grep -q "^one  *[1-9]"'
check 'it reads what it writes' domain_beats one
check 'its watch fires' domain_answers one first
check 'xl pause' xl pause one
check 'it is paused' until_true $limit paused one
check 'xl unpause' xl unpause one
check 'it is not paused' until_true $limit not_paused one
check 'it goes on' domain_beats one
check 'xl rename' xl rename one two
check 'under the new name' says two \
	xenstore-read "/local/domain/$(domain_id two)/name"
check 'its watch fires again' domain_answers two second
id=$(domain_id two)
check 'xl destroy' xl destroy two
check 'it is gone' domain_gone "$id"
check 'and its nodes' until_true $limit absent "/local/domain/$id"
