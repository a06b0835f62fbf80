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
#include <talloc.h>
#include <tdb.h>
#include <unistd.h>

#include "xenstored/core/field.h"
#include "xenstored/core/image.h"
#include "xenstored/host/checkpoint.h"

struct loading {
	struct replay *r;
	struct image_record *record;
	size_t count, room;
	uint64_t format, machine;
	bool host;
	int error;
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

/* Written in this order by checkpoint.c; what follows is of no use here. */
static int load_host(struct loading *l, TDB_DATA value)
{
	struct field_in f = field_of(value.dptr, value.dsize);

	l->format = field_take_number(&f, "format", UINT64_MAX);
	l->machine = field_take_number(&f, "machine", UINT64_MAX);
	l->r->first = field_take_number(&f, "segment", UINT64_MAX);
	l->host = !f.failed;
	return f.failed ? -EPROTO : 0;
}

static bool load_room(struct loading *l)
{
	size_t room = l->room ? 2 * l->room : 1024;
	struct image_record *record;

	if (l->count < l->room)
		return true;
	record = talloc_realloc(NULL, l->record, struct image_record,
				(unsigned int)room);
	if (!record)
		return false;
	l->record = record;
	l->room = room;
	return true;
}

/* A copy of both, with a NUL behind the key. */
static int load_image(struct loading *l, TDB_DATA key, TDB_DATA value)
{
	char *copy = NULL;

	if (load_room(l))
		copy = talloc_size(l->record, key.dsize + 1 + value.dsize);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key.dptr, key.dsize);
	copy[key.dsize] = '\0';
	if (value.dsize)
		memcpy(copy + key.dsize + 1, value.dptr, value.dsize);
	l->record[l->count++] = (struct image_record){
		.key = copy, .value = copy + key.dsize + 1,
		.len = value.dsize,
	};
	return 0;
}

static int load_record(struct tdb_context *tdb, TDB_DATA key, TDB_DATA value,
		       void *arg)
{
	struct loading *l = arg;

	if (key.dsize == 4 && !memcmp(key.dptr, "host", 4))
		l->error = load_host(l, value);
	else if (key.dsize < 5 || memcmp(key.dptr, "ring ", 5))
		l->error = load_image(l, key, value);
	return l->error != 0;
}

static int load_records(struct loading *l, int fd)
{
	struct tdb_context *tdb;
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	errno = 0;
	tdb = tdb_open(name, 0, TDB_NOSYNC | TDB_INCOMPATIBLE_HASH, O_RDWR,
		       0);
	if (!tdb)
		return errno == ENOMEM ? -ENOMEM : -EPROTO;
	if (tdb_traverse_read(tdb, load_record, l) < 0 && !l->error)
		l->error = -EPROTO;
	tdb_close(tdb);
	return l->error;
}

static int load_machine(struct loading *l, char why[256])
{
	int error = 0;

	why[0] = '\0';
	if (!l->host)
		return -EPROTO;
	if (l->format != CHECKPOINT_FORMAT || l->machine != MACHINE_VERSION)
		return -ENOTSUP;
	l->r->machine = image_read(&l->r->config, l->record, l->count, &error,
				   why);
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
	talloc_free(l.record);
	if (!error)
		return REPLAY_FINE;
	return replay_wrong(r, "%s: %s%s%s", name, error == -EPROTO ?
		"not a checkpoint, or a damaged one" : error == -ENOTSUP ?
		"written by another version of the daemon: only that one's "
		"xs-probe can replay it" : error == -ENOENT ?
		"no checkpoint, without which a journal means nothing" :
		strerror(-error), why[0] ? ": " : "", why);
}
