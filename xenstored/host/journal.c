// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing of segments; see journal.h. */
#include "xenstored/host/journal_format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/host/fault.h"

/* Signals in a row that may come while pages are allocated. */
#define SEGMENT_TRIES 100u

struct journal {
	const char *dir;
	uint8_t *map;
	int fd;				/* of the present segment; -1: none */
	uint64_t there;			/* so far its pages are */
	struct journal_header *header;
	uint64_t number;
	uint64_t oldest;		/* segment that is still there */
	uint64_t end;			/* = header->published */
	struct journal_doubt doubt;	/* as in the header */
	int broken;			/* -errno: why */
	bool told;			/* that it is */
	struct journal_header none;	/* in its place while there is none */
};

bool journal_name(char *buf, size_t size, const char *dir, uint64_t number)
{
	int n = snprintf(buf, size, "%s/journal.%llu", dir,
			 (unsigned long long)number);

	return n > 0 && (size_t)n < size;
}

static uint64_t mix(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

uint32_t journal_sum(const struct journal_mark *mark, const void *body)
{
	uint64_t h = mix(mark->len, (uint64_t)mark->type << 32 | mark->conn);
	const uint8_t *p = body;
	uint32_t left = mark->len;
	uint64_t w;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = mix(h, w);
	}
	w = 0;
	memcpy(&w, p, left);
	h = mix(h, w);
	return (uint32_t)(h ^ h >> 32);
}

/* ----------------------------------------------------------- segments -- */

/* A file of full size; a spare one has most of its pages already. */
static int segment_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_size == JOURNAL_SEGMENT)
		return fd;
	if (!ftruncate(fd, 0) && !ftruncate(fd, JOURNAL_SEGMENT))
		return fd;
	close(fd);
	unlink(name);
	return -EIO;
}

/*
 * The pages from `there` on, so that writing to them cannot fail.  On tmpfs a
 * signal ends the call, and what it had allocated is given back.
 */
static int segment_grow(int fd, uint64_t there)
{
	int error = EINTR;

	for (unsigned int n = 0; n < SEGMENT_TRIES && error == EINTR; n++)
		error = posix_fallocate(fd, (off_t)there, JOURNAL_CHUNK);
	return -error;
}

/* The descriptor, or -errno. */
static int segment_map(const char *name, uint8_t **map)
{
	int fd = segment_file(name), error;

	if (fd < 0)
		return fd;
	error = segment_grow(fd, 0);
	if (!error) {
		*map = mmap(NULL, JOURNAL_SEGMENT, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
		if (*map != MAP_FAILED)
			return fd;
		error = -errno;
	}
	close(fd);
	unlink(name);
	return error;
}

static void segment_leave(struct journal *j)
{
	if (j->map)
		munmap(j->map, JOURNAL_SEGMENT);
	if (j->fd >= 0)
		close(j->fd);
	j->map = NULL;
	j->fd = -1;
}

static int journal_begin(struct journal *j, uint64_t number)
{
	char name[4096], spare[4096];
	struct journal_header *h;
	uint8_t *map;
	int error, fd;

	if (!journal_name(name, sizeof(name), j->dir, number) ||
	    (size_t)snprintf(spare, sizeof(spare), "%s/journal.spare",
			     j->dir) >= sizeof(spare))
		return -ENAMETOOLONG;
	/*
	 * Made under another name, so that a death on the way leaves no
	 * segment that is half one.  If the spare one is there it has its
	 * pages already; its contents do not matter.
	 */
	fd = segment_map(spare, &map);
	if (fd < 0)
		return fd;
	h = (struct journal_header *)map;
	h->magic = 0;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	h->format = JOURNAL_FORMAT;
	h->machine = MACHINE_VERSION;
	h->number = number;
	h->size = JOURNAL_SEGMENT;
	h->published = h->executed = JOURNAL_HEADER;
	h->broken = h->deaths = h->continued = h->reserved = 0;
	/* A call may be under way whose record comes into this segment. */
	h->receiving = j->doubt.receiving;
	h->sending = j->doubt.sending;
	__atomic_store_n(&h->magic, JOURNAL_MAGIC, __ATOMIC_RELEASE);
	if (rename(spare, name)) {
		error = -errno;
		munmap(map, JOURNAL_SEGMENT);
		close(fd);
		return error;
	}
	/* From here on the one before is not the last: see journal_follows(). */
	__atomic_store_n(&j->header->continued, 1, __ATOMIC_RELEASE);
	segment_leave(j);
	j->map = map;
	j->fd = fd;
	j->there = JOURNAL_CHUNK;
	j->header = h;
	j->number = number;
	j->end = JOURNAL_HEADER;
	fault_point("segment");
	return 0;
}

static int journal_end(struct journal *j)
{
	segment_leave(j);
	return 0;
}

struct journal *journal_new(const void *parent, const char *dir,
			    uint64_t number, const struct journal_doubt *doubt,
			    int *error)
{
	struct journal *j = talloc_zero(parent, struct journal);

	*error = -ENOMEM;
	if (!j)
		return NULL;
	j->fd = -1;
	j->dir = talloc_strdup(j, dir);
	talloc_set_destructor(j, journal_end);
	j->oldest = number;
	j->doubt = *doubt;
	j->header = &j->none;
	j->number = number - 1;
	j->end = JOURNAL_HEADER;
	if (!j->dir) {
		talloc_free(j);
		return NULL;
	}
	*error = journal_begin(j, number);
	j->broken = *error;
	return j;
}

void journal_break(struct journal *j, int error)
{
	j->broken = error;
	__atomic_store_n(&j->header->broken, 1, __ATOMIC_RELEASE);
}

/* More pages, or the next segment. */
static int journal_more(struct journal *j, uint64_t end)
{
	int error;

	if (end > JOURNAL_SEGMENT)
		return journal_begin(j, j->number + 1);
	error = segment_grow(j->fd, j->there);
	if (!error)
		j->there += JOURNAL_CHUNK;
	return error;
}

/* Room for one more record of that length. */
static int journal_room(struct journal *j, uint32_t len)
{
	uint64_t end = j->end + sizeof(struct journal_mark) +
		       journal_align(len);
	int error;

	if (j->broken)
		return j->broken;
	if (end <= j->there)
		return 0;
	error = journal_more(j, end);
	if (error)
		journal_break(j, error);
	return error;
}

/* ------------------------------------------------------------ records -- */

static struct journal_mark *journal_mark_at(struct journal *j)
{
	return (struct journal_mark *)(j->map + j->end);
}

void *journal_buffer(struct journal *j)
{
	if (journal_room(j, JOURNAL_DATA_MAX))
		return NULL;
	return journal_mark_at(j) + 1;
}

static void journal_publish(struct journal *j, uint32_t type, uint32_t conn,
			    uint32_t len)
{
	struct journal_mark *mark = journal_mark_at(j);

	mark->len = len;
	mark->type = type;
	mark->conn = conn;
	mark->sum = journal_sum(mark, mark + 1);
	j->end += sizeof(*mark) + journal_align(len);
	__atomic_store_n(&j->header->published, j->end, __ATOMIC_RELEASE);
	fault_point("published");
}

/* Body: `first` (may be nothing), then the data. */
static int journal_write(struct journal *j, uint32_t type, uint32_t conn,
			 const void *first, size_t first_len,
			 const void *data, size_t len)
{
	uint8_t *body;
	int error = journal_room(j, (uint32_t)(first_len + len));

	if (error)
		return error;
	body = (uint8_t *)(journal_mark_at(j) + 1);
	if (first_len)
		memcpy(body, first, first_len);
	if (len && data != body + first_len)
		memcpy(body + first_len, data, len);
	journal_publish(j, type, conn, (uint32_t)(first_len + len));
	return 0;
}

int journal_input(struct journal *j, const struct machine_input *in)
{
	struct journal_facts f = {
		in->domid, in->port, in->flags, in->error, in->instance,
		in->ask,
	};
	uint64_t number = in->type == MACHINE_IN_TIME ? in->time : in->len;

	switch (in->type) {
	case MACHINE_IN_TIME:
	case MACHINE_IN_TAKEN:
		return journal_write(j, in->type, in->conn, &number,
				     sizeof(number), NULL, 0);
	case MACHINE_IN_BYTES:
	case MACHINE_IN_IDENTITY:
		return journal_write(j, in->type, in->conn, NULL, 0, in->data,
				     in->len);
	case MACHINE_IN_DOMAIN:
	case MACHINE_IN_ADOPT:
	case MACHINE_IN_DONE:
		return journal_write(j, in->type, in->conn, &f, sizeof(f),
				     in->data, in->len);
	case MACHINE_IN_OPEN:
	case MACHINE_IN_CLOSE:
	case MACHINE_IN_RING_RESET:
	case MACHINE_IN_RING_FAILED:
		break;
	}
	return journal_write(j, in->type, in->conn, NULL, 0, NULL, 0);
}

int journal_ring(struct journal *j, uint32_t domid, uint32_t port,
		 uint32_t remote, uint32_t req_cons, uint32_t rsp_prod)
{
	struct journal_facts f = { domid, port, req_cons, rsp_prod, remote,
				   0 };
	int error = journal_write(j, JOURNAL_RING, domid, &f, sizeof(f), NULL,
				  0);

	if (!error)
		journal_executed(j);
	return error;
}

int journal_virq(struct journal *j, uint32_t port)
{
	struct journal_facts f = { .port = port };
	int error = journal_write(j, JOURNAL_VIRQ, 0, &f, sizeof(f), NULL, 0);

	if (!error)
		journal_executed(j);
	return error;
}

void journal_executed(struct journal *j)
{
	__atomic_store_n(&j->header->executed, j->end, __ATOMIC_RELEASE);
	fault_point("executed");
}

bool journal_broken(const struct journal *j)
{
	return j->broken;
}

int journal_news(struct journal *j)
{
	int error = j->told ? 0 : j->broken;

	j->told = j->broken;
	return error;
}

void journal_receiving(struct journal *j, uint32_t conn)
{
	j->doubt.receiving = conn;
	__atomic_store_n(&j->header->receiving, conn, __ATOMIC_RELEASE);
}

void journal_sending(struct journal *j, uint32_t conn)
{
	j->doubt.sending = conn;
	__atomic_store_n(&j->header->sending, conn, __ATOMIC_RELEASE);
}

/* ----------------------------------------------------------- rotation -- */

uint64_t journal_cut(struct journal *j, int *error)
{
	*error = 0;
	if (!j->broken && j->end == JOURNAL_HEADER)
		return j->number;
	*error = journal_begin(j, j->number + 1);
	if (*error)
		return 0;
	j->broken = 0;
	j->told = false;
	return j->number;
}

bool journal_drop_before(struct journal *j, uint64_t number)
{
	char name[4096], spare[4096];

	if (j->oldest >= number)
		return false;
	/* The last one is kept for its pages. */
	snprintf(spare, sizeof(spare), "%s/journal.spare", j->dir);
	if (journal_name(name, sizeof(name), j->dir, j->oldest) &&
	    (j->oldest + 1 < number || rename(name, spare)))
		unlink(name);
	j->oldest++;
	return j->oldest < number;
}

uint64_t journal_number(const struct journal *j)
{
	return j->number;
}

uint64_t journal_since(const struct journal *j, uint64_t number)
{
	return (j->number - number) * (JOURNAL_SEGMENT - JOURNAL_HEADER) +
	       j->end - JOURNAL_HEADER;
}

/* "journal.<n>"? */
static bool segment_number(const char *name, uint64_t *number)
{
	static const char prefix[] = "journal.";
	struct span digits = { name + sizeof(prefix) - 1, 0 };

	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return false;
	digits.len = strlen(digits.at);
	return span_number(digits, UINT64_MAX, number);
}

uint64_t journal_last(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	uint64_t number, last = 0;

	while (d && (entry = readdir(d)))
		if (segment_number(entry->d_name, &number) && number > last)
			last = number;
	if (d)
		closedir(d);
	return last;
}

void journal_clear(const char *dir, const char *aside, uint64_t from,
		   uint64_t to)
{
	char name[4096], there[4096];
	struct dirent *entry;
	DIR *d = opendir(dir);
	uint64_t number;

	while (d && (entry = readdir(d))) {
		if (!segment_number(entry->d_name, &number) ||
		    number < from || number >= to)
			continue;
		snprintf(name, sizeof(name), "%s/%s", dir, entry->d_name);
		snprintf(there, sizeof(there), "%s/%s", aside ? aside : "",
			 entry->d_name);
		if (!aside || rename(name, there))
			unlink(name);
	}
	if (d)
		closedir(d);
}
