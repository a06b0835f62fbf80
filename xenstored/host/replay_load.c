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
#include "xenstored/host/checkpoint_file.h"

struct loading {
	struct replay *r;
	struct image_record *record;
	size_t count, room;
	bool host;
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

/*
 * Written in this order by checkpoint.c; what follows is of no use here.  Not
 * all of the configuration is in the image (docs/recovery.md).
 */
static int load_host(struct loading *l, const void *value, size_t len)
{
	struct machine_config *c = &l->r->config;
	struct field_in f = field_of(value, len);

	if (field_take_number(&f, "format", UINT64_MAX) != CHECKPOINT_FORMAT)
		return f.failed ? -EPROTO : -ENOTSUP;
	field_take_number(&f, "machine", UINT64_MAX);
	l->r->first = field_take_number(&f, "segment", UINT64_MAX);
	field_take_number(&f, "virq", UINT32_MAX);
	c->priv_domid = (uint32_t)field_take_number(&f, "priv", UINT32_MAX);
	c->features = (uint32_t)field_take_number(&f, "features", UINT32_MAX);
	c->socket_output_max = field_take_number(&f, "output_max", UINT64_MAX);
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

static int load_record(void *arg, const char *key, const void *value,
		       size_t len)
{
	struct loading *l = arg;
	size_t key_len = strlen(key) + 1;
	char *copy = NULL;

	if (!strcmp(key, "host"))
		return load_host(l, value, len);
	if (!strncmp(key, "ring ", 5))
		return 0;
	if (load_room(l))
		copy = talloc_size(l->record, key_len + len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, key_len);
	if (len)
		memcpy(copy + key_len, value, len);
	l->record[l->count++] = (struct image_record){
		.key = copy, .value = copy + key_len, .len = len,
	};
	return 0;
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
	if (!l->host)
		return -EPROTO;
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
