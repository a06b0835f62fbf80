// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dom0 has no grant for itself; Linux shows its ring's page and port in
 * /proc/xen.  All else is one grant.
 */
#include "xenstored/host/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>
#include <xengnttab.h>

#include "protocol/cursor.h"
#include "xenstored/host/host.h"

#define MAPPING_PAGE 4096u
#define MAPPING_DOM0_PAGE "/proc/xen/xsd_kva"
#define MAPPING_DOM0_PORT "/proc/xen/xsd_port"

struct mapping {
	xengnttab_handle *handle;
};

static int mapping_destroy(struct mapping *m)
{
	if (m->handle)
		xengnttab_close(m->handle);
	return 0;
}

int mapping_open(struct host *h)
{
	struct mapping *m = talloc_zero(h, struct mapping);
	int error;

	if (!m)
		return -ENOMEM;
	talloc_set_destructor(m, mapping_destroy);
	m->handle = xengnttab_open(NULL, 0);
	if (!m->handle) {
		error = errno ? -errno : -EIO;
		talloc_free(m);
		return error;
	}
	/* Old kernels limit a handle to fewer; newer ones need no word. */
	(void)xengnttab_set_max_grants(m->handle,
				       MACHINE_DOMID_FIRST_RESERVED);
	h->mapping = m;
	return 0;
}

static int mapping_get_dom0(struct ring_page **page)
{
	int fd = open(MAPPING_DOM0_PAGE, O_RDWR | O_CLOEXEC);
	int error = 0;
	void *at;

	if (fd < 0)
		return -errno;
	at = mmap(NULL, MAPPING_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		  0);
	if (at == MAP_FAILED)
		error = -errno;
	else
		*page = at;
	close(fd);
	return error;
}

int mapping_get(struct mapping *m, uint32_t domid, struct ring_page **page)
{
	void *at;

	if (!domid)
		return mapping_get_dom0(page);
	at = xengnttab_map_grant_ref(m->handle, domid, MAPPING_GRANT,
				     PROT_READ | PROT_WRITE);
	if (!at)
		return errno ? -errno : -EIO;
	*page = at;
	return 0;
}

void mapping_put(struct mapping *m, uint32_t domid, struct ring_page *page)
{
	/* Neither can fail for an address that was mapped. */
	if (!domid)
		munmap(page, MAPPING_PAGE);
	else
		xengnttab_unmap(m->handle, page, 1);
}

int mapping_dom0_port(uint32_t *port)
{
	int fd = open(MAPPING_DOM0_PORT, O_RDONLY | O_CLOEXEC);
	char text[32];
	uint64_t n;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text));
	close(fd);
	if (len < 0)
		return -errno;
	while (len > 0 && (text[len - 1] == '\n' || !text[len - 1]))
		len--;
	if (!span_number((struct span){ text, (size_t)len }, INT32_MAX, &n))
		return -EIO;
	*port = (uint32_t)n;
	return 0;
}
