/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device between two guests, connected and closed as Xen's drivers do it:
 * each end has a directory, writes its state there, watches the other's, and
 * the front end announces its parameters in one transaction, so that the
 * back end never sees half of them.
 *
 *	device front|back DOMID OWN-DIRECTORY OTHER-DIRECTORY
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/examples/guest.h"

/* xen/io/xenbus.h's states, as they stand in the store. */
#define INITIALISING "1"
#define INIT_WAIT "2"
#define INITIALISED "3"
#define CONNECTED "4"
#define CLOSING "5"
#define CLOSED "6"

#define RING_REF "8"
#define CHANNEL "17"

#define PATH_SIZE 512

struct device {
	struct guest g;
	const char *who;
	char own[PATH_SIZE], other[PATH_SIZE];	/* the two states' paths */
	struct guest_node peer;
};

static void state(struct device *d, const char *value)
{
	int err = guest_write(&d->g, 0, d->own, value);

	if (err)
		step(false, "%s end: state %s: %s", d->who, value,
		     strerror(-err));
}

static void await(struct device *d, const char *value, const char *text)
{
	int err = guest_until(&d->g, &d->peer, value);

	step(!err, "%s end: %s%s%s", d->who, text, err ? ": " : "",
	     err ? strerror(-err) : "");
}

static int announce(struct device *d, const char *directory)
{
	char path[PATH_SIZE + 32];
	int64_t tx = guest_start(&d->g);
	int err = tx < 0 ? (int)tx : 0;

	snprintf(path, sizeof(path), "%s/ring-ref", directory);
	if (!err)
		err = guest_write(&d->g, tx, path, RING_REF);
	snprintf(path, sizeof(path), "%s/event-channel", directory);
	if (!err)
		err = guest_write(&d->g, tx, path, CHANNEL);
	if (!err)
		err = guest_write(&d->g, tx, d->own, INITIALISED);
	return err ? err : guest_end(&d->g, tx, true);
}

static bool announced(struct device *d, const char *directory)
{
	char path[PATH_SIZE + 32], ref[16], channel[16];

	snprintf(path, sizeof(path), "%s/ring-ref", directory);
	if (guest_read(&d->g, 0, path, ref, sizeof(ref)) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/event-channel", directory);
	if (guest_read(&d->g, 0, path, channel, sizeof(channel)) < 0)
		return false;
	return !strcmp(ref, RING_REF) && !strcmp(channel, CHANNEL);
}

static void front(struct device *d, const char *directory)
{
	int err;

	await(d, INIT_WAIT, "sees the back end wait");
	do
		err = announce(d, directory);
	while (err == -EAGAIN);
	step(!err, "front end: parameters written in one transaction%s%s",
	     err ? ": " : "", err ? strerror(-err) : "");
	await(d, CONNECTED, "sees the back end connected");
	state(d, CONNECTED);
	state(d, CLOSING);
	await(d, CLOSED, "closed, and so is the back end");
	state(d, CLOSED);
}

static void back(struct device *d, const char *other)
{
	state(d, INIT_WAIT);
	await(d, INITIALISED, "woken by its watch on the front end");
	step(announced(d, other), "back end: parameters are all there");
	state(d, CONNECTED);
	await(d, CLOSING, "sees the front end close");
	state(d, CLOSED);
	await(d, CLOSED, "sees the front end closed");
}

int main(int argc, char **argv)
{
	static struct device d;
	bool is_front = argc == 5 && !strcmp(argv[1], "front");
	int err;

	if (!is_front && (argc != 5 || strcmp(argv[1], "back") != 0)) {
		fputs("usage: device front|back DOMID OWN OTHER\n", stderr);
		return 2;
	}
	d.who = argv[1];
	snprintf(d.own, sizeof(d.own), "%s/state", argv[3]);
	snprintf(d.other, sizeof(d.other), "%s/state", argv[4]);
	guest_attach(&d.g, guest_number(argv[2], SIMXEN_MAX_DOMID));
	guest_connect(&d.g);
	state(&d, INITIALISING);
	err = guest_follow(&d.g, &d.peer, d.other);
	if (err)
		step(false, "%s end: watch: %s", d.who, strerror(-err));
	if (is_front)
		front(&d, argv[3]);
	else
		back(&d, argv[4]);
	guest_leave(&d.g);
	return 0;
}
