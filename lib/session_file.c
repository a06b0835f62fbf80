/* SPDX-License-Identifier: MIT */
/*
 * A session's file, session_file.h.  What is in it is known here only as far
 * as it was saved: `saved`.  A save compares that with the session and writes
 * the difference as one group, or, where the log is long or its end not to be
 * trusted, everything as the only group of a new file.
 */
#include "config.h"

#include <proxenos/session_file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/session_log.h"

enum { PATH_SIZE = 4096, FIXED = 256, TIMES = 8 };

struct px_session_file {
	int fd;
	bool rewrite;		/* the end of the log is not to be trusted */
	uint64_t len, groups, torn;
	struct session_image saved;
	uint64_t saved_first;
	size_t state_max, state_len;
	bool has_state, state_new;
	size_t buffer_size;
	char *state, *buffer;
	char path[PATH_SIZE], path_new[PATH_SIZE];
};

/* A file with everything: messages as in the outbox, state, ids. */
static size_t whole_size(const struct px_session_options *o, size_t state_max)
{
	return FIXED + (o->outbox ? o->outbox : 65536) + state_max;
}

static size_t round_up(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

size_t px_session_file_size(const struct px_session_options *o,
			    size_t state_max)
{
	if (!px_session_size(o) || state_max > PX_SESSION_STATE_MAX)
		return 0;
	return round_up(sizeof(struct px_session_file)) + round_up(state_max) +
	       whole_size(o, state_max);
}

int px_session_file_open(void *memory, size_t size,
			 const struct px_session_options *o, size_t state_max,
			 const char *path, struct px_session_file **file)
{
	struct px_session_file *f = memory;
	size_t need = px_session_file_size(o, state_max);

	if (!need || !*path)
		return -EINVAL;
	if (size < need)
		return -ENOBUFS;
	if (strlen(path) + sizeof(".new") > PATH_SIZE)
		return -ENAMETOOLONG;
	memset(f, 0, sizeof(*f));
	f->fd = -1;
	f->state_max = state_max;
	f->state = (char *)memory + round_up(sizeof(*f));
	f->buffer = f->state + round_up(state_max);
	f->buffer_size = whole_size(o, state_max);
	memcpy(f->path, path, strlen(path));
	memcpy(f->path_new, path, strlen(path));
	memcpy(f->path_new + strlen(path), ".new", 4);
	*file = f;
	return 0;
}

void px_session_file_close(struct px_session_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

uint64_t px_session_file_torn(const struct px_session_file *f)
{
	return f->torn;
}

const void *px_session_file_state(const struct px_session_file *f, size_t *len)
{
	*len = f->state_len;
	return f->has_state ? f->state : NULL;
}

int px_session_file_set_state(struct px_session_file *f, const void *state,
			      size_t len)
{
	if (len > f->state_max)
		return -EMSGSIZE;
	if (len)
		memmove(f->state, state, len);
	f->state_len = len;
	f->has_state = f->state_new = true;
	return 0;
}

/* ------------------------------------------------------------- writing -- */

static int write_at(int fd, const char *bytes, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		bytes += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* A rename lasts when its directory has been synchronised. */
static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_SIZE] = ".";
	int fd, err = 0;

	if (slash) {
		size_t n = slash == path ? 1 : (size_t)(slash - path);

		memcpy(dir, path, n);
		dir[n] = 0;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

/* PATH.new with this content, on the disk; its descriptor or -errno. */
static int make_new(struct px_session_file *f, size_t len)
{
	int err, fd = open(f->path_new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
			   0600);

	if (fd < 0)
		return -errno;
	err = write_at(fd, SESSION_LOG_MAGIC, SESSION_LOG_MAGIC_SIZE, 0);
	if (!err)
		err = write_at(fd, f->buffer, len, SESSION_LOG_MAGIC_SIZE);
	if (!err && fsync(fd))
		err = -errno;
	if (!err && rename(f->path_new, f->path))
		err = -errno;
	if (!err)
		return fd;
	unlink(f->path_new);
	close(fd);
	return err;
}

static void put_messages(const struct px_session *session, uint64_t from,
			 struct session_group *g)
{
	struct px_session_message m = { 0 };

	while (px_session_pending(session, &m))
		if (m.number >= from)
			session_group_bytes(g, SESSION_RECORD, m.number,
					    m.data, m.len);
}

static void put_state(struct px_session_file *f, struct session_group *g)
{
	if (f->has_state)
		session_group_bytes(g, 'A', 0, f->state, f->state_len);
}

static void has_saved(struct px_session_file *f,
		      const struct px_session *session,
		      const struct px_session_mark *mark)
{
	struct px_session_mine mine = px_session_mine(session);

	f->saved = (struct session_image){ mine.id, *mark,
					   px_session_next(session) };
	f->saved_first = mine.first;
	f->state_new = false;
}

static int write_all(struct px_session_file *f,
		     const struct px_session *session,
		     const struct px_session_mark *mark)
{
	struct px_session_mine mine = px_session_mine(session);
	struct session_group g;
	size_t len;
	int fd, err;

	session_group_begin(&g, f->buffer);
	session_group_id(&g, 'S', &mine.id, mine.first);
	put_messages(session, 0, &g);
	session_group_id(&g, 'M', &mark->id, mark->last);
	put_state(f, &g);
	len = session_group_end(&g, 0);
	fd = make_new(f, len);
	if (fd < 0)
		return fd;
	/* The old file has no name any more: it must not be written to. */
	px_session_file_close(f);
	f->fd = fd;
	f->len = SESSION_LOG_MAGIC_SIZE + len;
	f->groups = 1;
	has_saved(f, session, mark);
	err = sync_directory(f->path);
	f->rewrite = err != 0;
	return err;
}

static int write_more(struct px_session_file *f,
		      const struct px_session *session,
		      const struct px_session_mark *mark)
{
	struct px_session_mine mine = px_session_mine(session);
	struct session_group g;
	size_t len;
	int err;

	session_group_begin(&g, f->buffer);
	if (mine.first != f->saved_first)
		session_group_first(&g, mine.first);
	put_messages(session, f->saved.next, &g);
	session_group_id(&g, 'M', &mark->id, mark->last);
	if (f->state_new)
		put_state(f, &g);
	len = session_group_end(&g, f->groups);
	err = write_at(f->fd, f->buffer, len, f->len);
	if (!err && fdatasync(f->fd))
		err = -errno;
	if (err) {
		f->rewrite = true;
		return err;
	}
	f->len += len;
	f->groups++;
	has_saved(f, session, mark);
	return 0;
}

int px_session_file_save(struct px_session_file *f,
			 const struct px_session *session,
			 const struct px_session_mark *mark)
{
	struct px_session_mine mine = px_session_mine(session);

	if (f->rewrite || f->fd < 0 || f->len > TIMES * f->buffer_size ||
	    session_id_order(&mine.id, &f->saved.id))
		return write_all(f, session, mark);
	return write_more(f, session, mark);
}

/* ------------------------------------------------------------- reading -- */

/* Bytes read, less only at the end of the file; or -errno. */
static ssize_t read_at(int fd, char *bytes, size_t len, uint64_t at)
{
	size_t had = 0;

	while (had < len) {
		ssize_t n = pread(fd, bytes + had, len - had,
				  (off_t)(at + had));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		had += (size_t)n;
	}
	return (ssize_t)had;
}

/* One that is whole but larger than the buffer is no damage. */
static int too_large(struct px_session_file *f, size_t len, uint32_t want)
{
	uint64_t at = f->len + 8, end = f->len + SESSION_LOG_HEAD + len;
	uint32_t crc = 0;

	while (at < end) {
		size_t part = end - at < f->buffer_size ? (size_t)(end - at) :
			      f->buffer_size;
		ssize_t n = read_at(f->fd, f->buffer, part, at);

		if (n < 0 || (size_t)n < part)
			return n < 0 ? (int)n : 0;
		crc = session_crc(crc, f->buffer, part);
		at += part;
	}
	return crc == want ? -EMSGSIZE : 0;
}

/*
 * The group at f->len: 1 and its entries, 0 if there is no whole one, or
 * -errno.
 */
static int read_group(struct px_session_file *f, struct cursor *entries)
{
	size_t len;
	uint32_t crc;
	ssize_t n = read_at(f->fd, f->buffer, SESSION_LOG_HEAD, f->len);

	if (n < SESSION_LOG_HEAD)
		return n < 0 ? (int)n : 0;
	session_head(f->buffer, &len, &crc);
	if (len > f->buffer_size - SESSION_LOG_HEAD)
		return too_large(f, len, crc);
	n = read_at(f->fd, f->buffer + SESSION_LOG_HEAD, len,
		    f->len + SESSION_LOG_HEAD);
	if (n < 0 || (size_t)n < len)
		return n < 0 ? (int)n : 0;
	if (session_crc(0, f->buffer + 8, len + 8) != crc ||
	    session_get64(f->buffer + 8) != f->groups)
		return 0;
	*entries = cursor_of(f->buffer + SESSION_LOG_HEAD, len);
	f->len += SESSION_LOG_HEAD + len;
	f->groups++;
	return 1;
}

/* First pass: where it all ends.  -EMSGSIZE: the state is too large. */
static int take_entry(struct px_session_file *f, const struct session_entry *e)
{
	if (e->type == 'S') {
		f->saved.id = e->id;
		f->saved_first = f->saved.next = e->number;
	} else if (e->type == 'F') {
		f->saved_first = e->number;
	} else if (e->type == 'M') {
		f->saved.mark = (struct px_session_mark){ e->id, e->number };
	} else if (e->type == 'A') {
		return px_session_file_set_state(f, e->bytes.at, e->bytes.len);
	} else {
		f->saved.next = e->number + 1;
	}
	return 0;
}

/* Second pass: the messages that are still on their way. */
static int take_message(struct px_session_file *f, struct px_session *session,
			const struct session_entry *e)
{
	int err;

	if (e->type != SESSION_RECORD || e->number < f->saved_first)
		return 0;
	err = px_session_restore_message(session, e->bytes.at, e->bytes.len);
	return err == -EAGAIN ? -EMSGSIZE : err;
}

static int pass(struct px_session_file *f, struct px_session *session)
{
	struct session_entry e;
	struct cursor entries;
	int ret, err = 0;

	f->len = SESSION_LOG_MAGIC_SIZE;
	f->groups = 0;
	while ((ret = read_group(f, &entries)) > 0) {
		while (!err && session_entry_next(&entries, &e))
			err = session ? take_message(f, session, &e) :
					take_entry(f, &e);
		/* Whole by its checksum, and yet not of this version. */
		if (!err && cursor_left(&entries))
			err = -EBADMSG;
		if (err)
			return err;
	}
	return ret;
}

/*
 * Whatever stands behind the last whole group must not come back; and what is
 * whole, and the file's name, may be of a process that died before it had
 * them on the disk, so that is done now.
 */
static int cut(struct px_session_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st))
		return -errno;
	if ((uint64_t)st.st_size > f->len) {
		f->torn = (uint64_t)st.st_size - f->len;
		if (ftruncate(f->fd, (off_t)f->len))
			return -errno;
	}
	return fsync(f->fd) ? -errno : sync_directory(f->path);
}

static int restore(struct px_session_file *f, struct px_session *session)
{
	struct px_session_mine mine = { f->saved.id, f->saved_first };
	int err = px_session_restore(session, &mine, &f->saved.mark);

	return err ? err : pass(f, session);
}

int px_session_file_load(struct px_session_file *f, struct px_session *session)
{
	char magic[SESSION_LOG_MAGIC_SIZE];
	ssize_t n;
	int err;

	f->fd = open(f->path, O_RDWR | O_CLOEXEC);
	if (f->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = read_at(f->fd, magic, sizeof(magic), 0);
	if (n < 0)
		return (int)n;
	if (n < SESSION_LOG_MAGIC_SIZE ||
	    memcmp(magic, SESSION_LOG_MAGIC, sizeof(magic)))
		return -EBADMSG;
	err = pass(f, NULL);
	if (!err)
		err = cut(f);
	f->state_new = false;
	/* The first group is renamed into place whole: it is damaged. */
	if (!err && !f->saved.id.count) {
		f->rewrite = true;
		return 0;
	}
	if (!err)
		err = restore(f, session);
	return err ? err : 1;
}
