# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# A disk: blkback in dom0, blkfront in the guest, which find each other through
# the store; then taken away and given again while the guest runs.

disk_is()
{
	[ "$(domain_data "$1" "$2" 2> /dev/null)" = "$3" ]
}

device_state()
{
	reads "/local/domain/$(domain_id one)/device/vbd/51712/state" "$1"
}

truncate -s 4M /run/disk
losetup /dev/loop0 /run/disk
sum=$(seq 1 20000 | md5sum | cut -c 1-32)
check 'xl create' domain_linux one disk "disk=['phy:/dev/loop0,xvda,w']"
check 'its user space has written' domain_up one
check 'both ends are connected' until_true $limit device_state 4
check 'the guest reads what it wrote' until_true $limit disk_is one disk "$sum"
check 'dom0 reads it, too' says "$sum" sh -c \
	'head -c 108894 /run/disk | md5sum | cut -c 1-32'
check 'xl block-detach' xl block-detach one xvda
check 'the device is gone' until_true $limit absent \
	"/local/domain/$(domain_id one)/device/vbd/51712"
check 'xl block-attach' xl block-attach one phy:/dev/loop0 xvda w
check 'connected again' until_true $limit device_state 4
id=$(domain_id one)
check 'xl destroy' xl destroy one
check 'it is gone' domain_gone "$id"
check "and the backend's nodes" until_true $limit absent \
	"/local/domain/0/backend/vbd/$id/51712"
