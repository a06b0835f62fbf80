// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The checkpoint, from a copy in memory: a file that was being committed to
 * when the daemon died needs a repair, which is not to be made in evidence.
 */
#include "xenstored/host/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <tdb.h>
#include <unistd.h>

#include "xenstored/core/image.h"
#include "xenstored/host/checkpoint_file.h"
#include "xenstored/host/checkpoint_read.h"

struct loading {
	struct replay *r;
	struct checkpoint_records records;
	bool told;		/* the record "host" was there */
};

static int copy_bytes(int from, int to)
{
	static char room[1 << 16];
	ssize_t n;

	while ((n = read(from, room, sizeof(room))) > 0)
		for (ssize_t done = 0; done < n; ) {
			ssize_t put = write(to, room + done,
					    (size_t)(n - done));

			if (put < 0)
				return -errno;
			done += put;
		}
	return n < 0 ? -errno : 0;
}

/* A descriptor of the copy, or -errno. */
static int load_copy(const char *name)
{
	int from = open(name, O_RDONLY | O_CLOEXEC), to, error;

	if (from < 0)
		return -errno;
	to = memfd_create("store.tdb", MFD_CLOEXEC);
	error = to < 0 ? -errno : copy_bytes(from, to);
	close(from);
	if (!error)
		return to;
	if (to >= 0)
		close(to);
	return error;
}

/* Not all of the configuration is in the image (docs/recovery.md). */
static int load_host(struct loading *l, const void *value, size_t len)
{
	struct machine_config *c = &l->r->config;
	struct checkpoint_host host;
	int error = checkpoint_host_read(value, len, &host);

	if (error)
		return error;
	l->told = true;
	l->r->first = host.segment;
	c->priv_domid = (uint32_t)host.priv;
	c->features = (uint32_t)host.features;
	c->socket_output_max = host.output_max;
	return 0;
}

static int load_record(void *arg, const char *key, const void *value,
		       size_t len)
{
	struct loading *l = arg;

	if (!strcmp(key, "host"))
		return load_host(l, value, len);
	if (!strncmp(key, "ring ", 5))
		return 0;
	return checkpoint_gather(&l->records, key, value, len);
}

static int load_records(struct loading *l, int fd)
{
	struct tdb_context *tdb;
	char name[32];
	int error;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	errno = 0;
	tdb = tdb_open(name, 0, TDB_NOSYNC | TDB_INCOMPATIBLE_HASH, O_RDWR,
		       0);
	if (!tdb)
		return errno == ENOMEM ? -ENOMEM : -EPROTO;
	error = checkpoint_file_each(tdb, load_record, l);
	tdb_close(tdb);
	return error;
}

static int load_machine(struct loading *l, char why[256])
{
	int error = 0;

	why[0] = '\0';
	if (!l->told)
		return -EPROTO;
	l->r->machine = image_read(&l->r->config, l->records.record,
				   l->records.count, &error, why);
	return error;
}

int replay_load(struct replay *r)
{
	struct loading l = { .r = r };
	char name[4096], why[256] = "";
	int fd, error = -ENAMETOOLONG;

	if ((size_t)snprintf(name, sizeof(name), "%s/store.tdb", r->dir) <
	    sizeof(name)) {
		fd = load_copy(name);
		error = fd < 0 ? fd : load_records(&l, fd);
		if (fd >= 0)
			close(fd);
	}
	if (!error)
		error = load_machine(&l, why);
	checkpoint_gathered(&l.records);
	if (!error)
		return REPLAY_FINE;
	return replay_wrong(r, "%s: %s%s%s", name, error == -EPROTO ?
		"not a checkpoint, or a damaged one" : error == -ENOTSUP ?
		"written by another version of the daemon: only that one's "
		"xs-probe can replay it" : error == -ENOENT ?
		"no checkpoint, without which a journal means nothing" :
		strerror(-error), why[0] ? ": " : "", why);
}
