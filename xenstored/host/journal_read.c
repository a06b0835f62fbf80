// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading of segments; see journal.h. */
#include "xenstored/host/journal_format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

struct journal_reader {
	uint8_t *map;
	size_t size;
	struct journal_header *header;
	struct journal_death death;
	uint64_t published;	/* as the writer left it */
	uint64_t executed;
	uint64_t at, next;	/* the record last given, and the one after */
};

static int reader_end(struct journal_reader *r)
{
	if (r->map)
		munmap(r->map, r->size);
	return 0;
}

static int reader_map(struct journal_reader *r, const char *name, bool copy)
{
	int fd = open(name, (copy ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	struct stat st;
	void *map = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_size >= (off_t)JOURNAL_HEADER &&
	    st.st_size <= (off_t)JOURNAL_SEGMENT)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			   copy ? MAP_PRIVATE : MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -EPROTO;
	r->map = map;
	r->size = (size_t)st.st_size;
	r->header = map;
	return 0;
}

static int reader_judge(struct journal_reader *r, uint64_t number,
			uint32_t *machine)
{
	const struct journal_header *h = r->header;

	if (h->magic != JOURNAL_MAGIC || h->number != number)
		return -EPROTO;
	/* Where these three stand does not change with the format. */
	if (machine)
		*machine = h->machine;
	if (h->format != JOURNAL_FORMAT)
		return -ESTALE;
	if (h->machine != MACHINE_VERSION && h->published > JOURNAL_HEADER)
		return -ESTALE;
	if (h->size != r->size || h->published < JOURNAL_HEADER ||
	    h->published > r->size || h->published % 8 ||
	    h->executed < JOURNAL_HEADER || h->executed > h->published)
		return -EPROTO;
	r->published = h->published;
	r->executed = h->executed;
	r->death = (struct journal_death){
		.broken = h->broken,
		.continued = h->continued,
		.doubt = { h->receiving, h->sending },
		.suspect = h->executed < h->published,
		.deaths = h->deaths,
	};
	r->next = JOURNAL_HEADER;
	return 0;
}

static struct journal_reader *reader_new(const void *parent, const char *dir,
					 uint64_t number, bool copy,
					 uint32_t *machine, int *error)
{
	struct journal_reader *r = talloc_zero(parent, struct journal_reader);
	char name[4096];

	*error = -ENOMEM;
	if (!r)
		return NULL;
	talloc_set_destructor(r, reader_end);
	*error = -ENAMETOOLONG;
	if (journal_name(name, sizeof(name), dir, number))
		*error = reader_map(r, name, copy);
	if (!*error)
		*error = reader_judge(r, number, machine);
	if (!*error)
		return r;
	talloc_free(r);
	return NULL;
}

struct journal_reader *journal_open(const void *parent, const char *dir,
				    uint64_t number, uint32_t *machine,
				    int *error)
{
	return reader_new(parent, dir, number, false, machine, error);
}

struct journal_reader *journal_open_copy(const void *parent, const char *dir,
					 uint64_t number, uint32_t *machine,
					 int *error)
{
	return reader_new(parent, dir, number, true, machine, error);
}

bool journal_empty(const struct journal_reader *r)
{
	return r->published == JOURNAL_HEADER;
}

void journal_spoil(struct journal_reader *r)
{
	__atomic_store_n(&r->header->broken, 1, __ATOMIC_RELEASE);
}

void journal_follows(struct journal_reader *r)
{
	__atomic_store_n(&r->header->continued, 1, __ATOMIC_RELEASE);
}

const struct journal_death *journal_death(const struct journal_reader *r)
{
	return &r->death;
}

static bool take_number(const uint8_t *body, uint32_t len, uint64_t *out)
{
	if (len != sizeof(*out))
		return false;
	memcpy(out, body, sizeof(*out));
	return true;
}

static bool take_facts(const uint8_t *body, uint32_t len,
		       struct journal_facts *f)
{
	if (len < sizeof(*f))
		return false;
	memcpy(f, body, sizeof(*f));
	return true;
}

/* A record's body into its parts; false if it cannot be. */
static bool record_parts(struct journal_record *out, const uint8_t *body,
			 uint32_t len)
{
	struct machine_input *in = &out->in;
	struct journal_facts f;
	uint64_t number;

	switch (out->type) {
	case MACHINE_IN_TIME:
		return take_number(body, len, &in->time);
	case MACHINE_IN_TAKEN:
		if (!take_number(body, len, &number))
			return false;
		in->len = number;
		return true;
	case MACHINE_IN_BYTES:
	case MACHINE_IN_IDENTITY:
		in->data = body;
		in->len = len;
		return true;
	case MACHINE_IN_OPEN:
	case MACHINE_IN_CLOSE:
	case MACHINE_IN_RING_RESET:
	case MACHINE_IN_RING_FAILED:
		in->domid = in->conn;
		return !len;
	case MACHINE_IN_DOMAIN:
	case MACHINE_IN_ADOPT:
	case MACHINE_IN_DONE:
	case JOURNAL_RING:
	case JOURNAL_VIRQ:
		break;
	default:
		return false;
	}
	if (!take_facts(body, len, &f))
		return false;
	in->domid = out->domid = f.domid;
	in->port = out->port = f.port;
	in->flags = out->req_cons = f.flags;
	in->error = out->rsp_prod = f.error;
	in->instance = f.instance;
	out->remote = (uint32_t)f.instance;
	in->ask = f.ask;
	in->data = body + sizeof(f);
	in->len = len - sizeof(f);
	return true;
}

int journal_next(struct journal_reader *r, struct journal_record *out)
{
	struct journal_mark mark;
	const uint8_t *body;

	if (r->next == r->published)
		return 0;
	if (r->published - r->next < sizeof(mark))
		return -EPROTO;
	memcpy(&mark, r->map + r->next, sizeof(mark));
	if (mark.len > r->published - r->next - sizeof(mark))
		return -EPROTO;
	body = r->map + r->next + sizeof(mark);
	if (journal_sum(&mark, body) != mark.sum)
		return -EPROTO;
	memset(out, 0, sizeof(*out));
	out->type = mark.type;
	out->in.type = (enum machine_input_type)mark.type;
	out->in.conn = mark.conn;
	if (!record_parts(out, body, mark.len))
		return -EPROTO;
	r->at = r->next;
	r->next += sizeof(mark) + journal_align(mark.len);
	return r->next > r->published ? -EPROTO : 1;
}

bool journal_at_suspect(const struct journal_reader *r)
{
	return r->death.suspect && r->at == r->executed;
}

void journal_dare(struct journal_reader *r)
{
	__atomic_store_n(&r->header->deaths, r->death.deaths + 1,
			 __ATOMIC_RELEASE);
}

void journal_dared(struct journal_reader *r)
{
	__atomic_store_n(&r->header->deaths, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&r->header->executed, r->published,
			 __ATOMIC_RELEASE);
}
