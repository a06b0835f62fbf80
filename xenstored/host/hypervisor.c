// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list is read in batches through xc_domain_getinfolist(), which every
 * release of Xen has, as a walk that keeps one batch.
 */
#include "xenstored/host/hypervisor.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <xenctrl.h>

#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/instance.h"
#include "xenstored/host/log.h"
#include "xenstored/host/mapping.h"

#define BATCH 256u
#define RETRY 1000000u		/* microseconds */

struct hypervisor {
	xc_interface *xc;
	struct log_limit limit;
	/* The walk: a batch and where we are in it. */
	xc_domaininfo_t info[BATCH];
	unsigned int count;
	unsigned int at;
	uint32_t next;		/* domid from which the next batch is read */
	bool last;		/* there is no batch behind this one */
};

struct domain_facts {
	uint32_t flags;
	uint64_t instance;
};

static int hypervisor_destroy(struct hypervisor *hv)
{
	if (hv->xc)
		xc_interface_close(hv->xc);
	return 0;
}

int hypervisor_open(struct host *h)
{
	struct hypervisor *hv = talloc_zero(h, struct hypervisor);
	int error;

	if (!hv)
		return -ENOMEM;
	talloc_set_destructor(hv, hypervisor_destroy);
	hv->xc = xc_interface_open(NULL, NULL, 0);
	if (!hv->xc) {
		error = errno ? -errno : -ENXIO;
		talloc_free(hv);
		return error;
	}
	h->hypervisor = hv;
	return 0;
}

static struct domain_facts domain_facts(const xc_domaininfo_t *info)
{
	struct domain_facts f = { .flags = MACHINE_DOM_EXISTS };

	if (info->flags & XEN_DOMINF_shutdown)
		f.flags |= MACHINE_DOM_SHUTDOWN;
	if (info->flags & XEN_DOMINF_dying)
		f.flags |= MACHINE_DOM_DYING;
	f.instance = instance_mix(info->handle, info->shared_info_frame);
	return f;
}

static void domain_feed(struct host *h, uint32_t domid,
			const struct domain_facts *f)
{
	struct machine_input in = {
		.type = MACHINE_IN_DOMAIN,
		.domid = domid,
		.flags = f->flags,
		.instance = f->instance,
	};

	host_feed(h, &in);
}

/* ----------------------------------------------------------- the walk -- */

static int walk_batch(struct hypervisor *hv)
{
	int n = xc_domain_getinfolist(hv->xc, hv->next, BATCH, hv->info);

	hv->at = 0;
	hv->count = 0;
	if (n < 0)
		return errno ? -errno : -EIO;
	hv->count = (unsigned int)n < BATCH ? (unsigned int)n : BATCH;
	hv->last = hv->count < BATCH;
	if (hv->count)
		hv->next = hv->info[hv->count - 1].domain + 1u;
	return 0;
}

/*
 * To the first domain with an id of at least `domid`; *out is NULL at the
 * end.  Ids must not go back between calls.  0 or -errno.
 */
static int walk_to(struct hypervisor *hv, uint32_t domid,
		   const xc_domaininfo_t **out)
{
	*out = NULL;
	for (;;) {
		while (hv->at < hv->count && hv->info[hv->at].domain < domid)
			hv->at++;
		if (hv->at < hv->count) {
			*out = &hv->info[hv->at];
			return 0;
		}
		if (hv->last)
			return 0;
		if (hv->next < domid)
			hv->next = domid;
		int error = walk_batch(hv);

		if (error)
			return error;
	}
}

static void walk_start(struct hypervisor *hv)
{
	hv->at = 0;
	hv->count = 0;
	hv->next = 0;
	hv->last = false;
}

/* ---------------------------------------------------------- questions -- */

uint32_t hypervisor_tell(struct host *h, uint32_t domid)
{
	struct hypervisor *hv = h->hypervisor;
	struct domain_facts f = { 0 };
	xc_domaininfo_t info;
	int n;

	if (hv) {
		n = xc_domain_getinfolist(hv->xc, domid, 1, &info);
		if (n < 0)
			return errno ? (uint32_t)errno : EIO;
		if (n == 1 && info.domain == domid)
			f = domain_facts(&info);
	} else if (!domid) {
		f.flags = MACHINE_DOM_EXISTS;
	}
	domain_feed(h, domid, &f);
	return 0;
}

bool hypervisor_knows(struct host *h, uint32_t domid, uint64_t *instance)
{
	xc_domaininfo_t info;

	/* dom0 is not told apart: there is one until the host goes down. */
	*instance = 0;
	if (!domid)
		return true;
	if (xc_domain_getinfolist(h->hypervisor->xc, domid, 1, &info) != 1 ||
	    info.domain != domid)
		return false;
	*instance = domain_facts(&info).instance;
	return true;
}

static void refresh_failed(struct host *h, int error)
{
	log_limited(&h->hypervisor->limit, h->now, LOG_DOMAINS,
		    "cannot read the list of domains: %s", strerror(-error));
	host_timer(h, TIMER_DOMAINS, h->now + RETRY);
}

static int refresh_one(struct host *h, uint32_t domid, uint64_t instance,
		       uint32_t flags)
{
	struct domain_facts f = { 0 };
	const xc_domaininfo_t *info;
	int error;

	error = walk_to(h->hypervisor, domid, &info);
	if (error)
		return error;
	if (info && info->domain == domid)
		f = domain_facts(info);
	if (f.flags != flags ||
	    ((f.flags & MACHINE_DOM_EXISTS) && f.instance != instance))
		domain_feed(h, domid, &f);
	return 0;
}

void hypervisor_refresh(struct host *h)
{
	uint64_t instance;
	uint32_t domid = 0, flags;
	int error;

	if (!h->hypervisor)
		return;
	walk_start(h->hypervisor);
	while (machine_domain_next(h->machine, &domid, &instance, &flags)) {
		error = refresh_one(h, domid, instance, flags);
		if (error) {
			refresh_failed(h, error);
			return;
		}
		domid++;
	}
}

/* ----------------------------------------------------------- at start -- */

static void adopt_feed(struct host *h, uint32_t domid, uint32_t port,
		       uint64_t instance)
{
	struct machine_input in = {
		.type = MACHINE_IN_ADOPT,
		.domid = domid,
		.port = port,
		.instance = instance,
	};

	log_say(LOG_ADOPT, "domain %u is there already", domid);
	host_feed(h, &in);
}

/* Does this domain's page exist and name a port? */
static bool adopt_names_port(struct host *h, uint32_t domid)
{
	struct ring_page *page;
	uint32_t port;

	if (mapping_get(h->mapping, domid, &page))
		return false;
	port = ring_load_once(&page->evtchn_port);
	mapping_put(h->mapping, domid, page);
	return port;
}

int hypervisor_adopt(struct host *h)
{
	const xc_domaininfo_t *info;
	uint32_t domid = 1, port = h->options->event;
	int error = port ? 0 : mapping_dom0_port(&port);

	if (error)
		return error;
	if (!guest_of(h, 0))
		adopt_feed(h, 0, port, 0);
	walk_start(h->hypervisor);
	for (;; domid++) {
		error = walk_to(h->hypervisor, domid, &info);
		if (error)
			refresh_failed(h, error);
		if (error || !info)
			return 0;
		domid = info->domain;
		if (!guest_of(h, domid) &&
		    !(info->flags & XEN_DOMINF_dying) &&
		    adopt_names_port(h, domid))
			adopt_feed(h, domid, 0, domain_facts(info).instance);
	}
}
