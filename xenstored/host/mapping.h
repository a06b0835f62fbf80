/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ring pages in our address space: grant reference 1 of a domain through
 * libxengnttab (the toolstack puts it there at build time), dom0's own
 * through the file that its kernel offers.  A mapping outlives its domain
 * until it is given back: the page stays, nobody writes it any more.
 */
#ifndef HOST_MAPPING_H
#define HOST_MAPPING_H

#include <stdint.h>

#include "protocol/ring.h"

struct host;
struct mapping;

/* The grant reference that is the xenstore ring in every domain. */
#define MAPPING_GRANT 1u

/* Sets h->mapping; 0 or -errno. */
int mapping_open(struct host *h);
/* 0 and the page, or -errno. */
int mapping_get(struct mapping *m, uint32_t domid, struct ring_page **page);
void mapping_put(struct mapping *m, uint32_t domid, struct ring_page *page);
/* dom0's event channel port, as its kernel tells; 0 or -errno. */
int mapping_dom0_port(uint32_t *port);

#endif
