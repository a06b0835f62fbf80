// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libxenctrl: which domains there are. The structures are those of the
 * installed headers, and the functions those that xenstore daemons call, in
 * all versions since 4.14.
 */
#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#include "tools/simxen/domain.h"
#include "tools/simxen/preload.h"

struct xc_interface_core {
	struct simxen *m;
};

xc_interface *xc_interface_open(xentoollog_logger *logger,
				xentoollog_logger *dombuild, unsigned flags)
{
	struct simxen *m = preload_machine();
	xc_interface *xch = m ? malloc(sizeof(*xch)) : NULL;

	if (xch)
		xch->m = m;
	return xch;
}

int xc_interface_close(xc_interface *xch)
{
	free(xch);
	return 0;
}

/* errno says it all; the bindings ask nevertheless. */
const xc_error *xc_get_last_error(xc_interface *xch)
{
	static const xc_error none = { .code = XC_ERROR_NONE };

	return &none;
}

static uint32_t ctrl_flags(const struct simxen_domain_info *info)
{
	uint32_t flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;

	if (!info->domid)
		flags = 0;
	if (info->flags & SIMXEN_DYING)
		flags |= XEN_DOMINF_dying;
	if (info->flags & SIMXEN_SHUTDOWN)
		flags |= XEN_DOMINF_shutdown |
			 (info->reason & XEN_DOMINF_shutdownmask)
			 << XEN_DOMINF_shutdownshift;
	else if (!(info->flags & SIMXEN_DYING))
		flags |= XEN_DOMINF_running;
	return flags;
}

static void ctrl_fill(const struct simxen_domain_info *info,
		      unsigned int index, void *arg)
{
	xc_domaininfo_t *out = (xc_domaininfo_t *)arg + index;

	memset(out, 0, sizeof(*out));
	out->domain = (domid_t)info->domid;
	out->flags = ctrl_flags(info);
	out->tot_pages = out->max_pages = 1024;
	out->shared_info_frame = info->shared_info_frame;
	out->nr_online_vcpus = 1;
	memcpy(out->handle, info->handle, sizeof(out->handle));
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first,
			  unsigned int max, xc_domaininfo_t *info)
{
	if (first >= SHM_DOMIDS)
		return 0;
	return (int)domain_list(xch->m, first, max, ctrl_fill, info);
}

/* Xen 4.18 and later. */
int xc_domain_getinfo_single(xc_interface *xch, uint32_t domid,
			     xc_domaininfo_t *info);

int xc_domain_getinfo_single(xc_interface *xch, uint32_t domid,
			     xc_domaininfo_t *info)
{
	xc_domaininfo_t one;

	if (xc_domain_getinfolist(xch, domid, 1, &one) != 1 ||
	    one.domain != domid) {
		errno = ESRCH;
		return -1;
	}
	if (info)
		*info = one;
	return 0;
}

static void ctrl_fill_old(const struct simxen_domain_info *info,
			  unsigned int index, void *arg)
{
	xc_dominfo_t *out = (xc_dominfo_t *)arg + index;
	uint32_t flags = ctrl_flags(info);

	memset(out, 0, sizeof(*out));
	out->domid = info->domid;
	out->dying = !!(flags & XEN_DOMINF_dying);
	out->shutdown = !!(flags & XEN_DOMINF_shutdown);
	out->running = !!(flags & XEN_DOMINF_running);
	out->hvm = out->hap = !!(flags & XEN_DOMINF_hvm_guest);
	out->shutdown_reason = info->reason;
	out->crashed = out->shutdown && info->reason == SIMXEN_CRASH;
	out->nr_pages = 1024;
	out->max_memkb = 4096;
	out->shared_info_frame = (unsigned long)info->shared_info_frame;
	out->nr_online_vcpus = 1;
	memcpy(out->handle, info->handle, sizeof(out->handle));
}

int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max,
		      xc_dominfo_t *info)
{
	if (max)
		memset(info, 0, sizeof(*info));
	if (first >= SHM_DOMIDS)
		return 0;
	return (int)domain_list(xch->m, first, max, ctrl_fill_old, info);
}

void *xc_map_foreign_range(xc_interface *xch, uint32_t domid, int size,
			   int prot, unsigned long frame)
{
	if (size != (int)SHM_PAGE || frame != SIMXEN_GFN) {
		errno = EINVAL;
		return NULL;
	}
	return domain_map_foreign(xch->m, domid, prot);
}
