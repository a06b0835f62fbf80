// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libxengnttab and libxenforeignmemory: ways to one page. A domain grants
 * dom0 its xenstore page and nothing else, so every other reference or frame
 * fails as a bad one does, with EINVAL.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

#include "tools/simxen/domain.h"
#include "tools/simxen/preload.h"

struct xengntdev_handle {
	struct simxen *m;
};

struct xenforeignmemory_handle {
	struct simxen *m;
};

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger,
				 unsigned int flags)
{
	struct simxen *m = preload_machine();
	xengnttab_handle *h = m ? malloc(sizeof(*h)) : NULL;

	if (h)
		h->m = m;
	return h;
}

int xengnttab_close(xengnttab_handle *h)
{
	free(h);
	return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *h, uint32_t nr)
{
	return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *h, uint32_t domid,
			      uint32_t ref, int prot)
{
	if (ref != SIMXEN_GRANT) {
		errno = EINVAL;
		return NULL;
	}
	return domain_map_foreign(h->m, domid, prot);
}

void *xengnttab_map_grant_refs(xengnttab_handle *h, uint32_t count,
			       uint32_t *domids, uint32_t *refs, int prot)
{
	if (count != 1) {
		errno = EINVAL;
		return NULL;
	}
	return xengnttab_map_grant_ref(h, domids[0], refs[0], prot);
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *h, uint32_t count,
				      uint32_t domid, uint32_t *refs,
				      int prot)
{
	return xengnttab_map_grant_refs(h, count, &domid, refs, prot);
}

/* The real one refuses NULL, which munmap() would take. */
int xengnttab_unmap(xengnttab_handle *h, void *start, uint32_t count)
{
	if (!start) {
		errno = EINVAL;
		return -1;
	}
	return munmap(start, (size_t)count * SHM_PAGE);
}

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *log,
					       unsigned int flags)
{
	struct simxen *m = preload_machine();
	xenforeignmemory_handle *h = m ? malloc(sizeof(*h)) : NULL;

	if (h)
		h->m = m;
	return h;
}

int xenforeignmemory_close(xenforeignmemory_handle *h)
{
	free(h);
	return 0;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *h, uint32_t domid,
			    void *addr, int prot, int flags, size_t pages,
			    const xen_pfn_t frame[], int err[])
{
	void *page = NULL;

	errno = EINVAL;
	if (!addr && pages == 1 && frame[0] == SIMXEN_GFN)
		page = domain_map_foreign(h->m, domid, prot);
	for (size_t i = 0; err && i < pages; i++)
		err[i] = page ? 0 : -errno;
	return page;
}

void *xenforeignmemory_map(xenforeignmemory_handle *h, uint32_t domid,
			   int prot, size_t pages, const xen_pfn_t frame[],
			   int err[])
{
	return xenforeignmemory_map2(h, domid, NULL, prot, 0, pages, frame,
				     err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *h, void *addr,
			   size_t pages)
{
	return munmap(addr, pages * SHM_PAGE);
}

/*
 * What this machine's hypervisor lacks. Refused here, because the real
 * library would take our handle for its own.
 */
int xengnttab_fd(xengnttab_handle *h)
{
	errno = EBADF;
	return -1;
}

void *xengnttab_map_grant_ref_notify(xengnttab_handle *h, uint32_t domid,
				     uint32_t ref, int prot, uint32_t offset,
				     evtchn_port_t port)
{
	errno = EOPNOTSUPP;
	return NULL;
}

int xengnttab_grant_copy(xengnttab_handle *h, uint32_t count,
			 xengnttab_grant_copy_segment_t *segs)
{
	errno = EOPNOTSUPP;
	return -1;
}

int xenforeignmemory_restrict(xenforeignmemory_handle *h, domid_t domid)
{
	errno = EOPNOTSUPP;
	return -1;
}
