// SPDX-License-Identifier: GPL-2.0-or-later
/* simxen page N: what lies in a ring page, for someone who is debugging. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "tools/simxen/command.h"
#include "tools/simxen/domain.h"

/* The bytes from cons to prod, at most one ring's worth. */
static void page_dump(const char *ring, uint32_t cons, uint32_t prod)
{
	uint32_t n = prod - cons;

	if (n > SHM_RING) {
		puts("  indices are inconsistent");
		return;
	}
	for (uint32_t i = 0; i < n; i += 16) {
		char text[17] = "";

		printf("  %08x ", cons + i);
		for (uint32_t j = 0; j < 16 && i + j < n; j++) {
			unsigned char c = (unsigned char)
				ring[(cons + i + j) % SHM_RING];

			printf(" %02x", c);
			text[j] = (char)(isprint(c) ? c : '.');
		}
		printf("  %s\n", text);
	}
}

static void page_show(const struct shm_ring_page *p)
{
	printf("requests  consumer %08x producer %08x: %u bytes waiting\n",
	       p->req_cons, p->req_prod, p->req_prod - p->req_cons);
	page_dump(p->req, p->req_cons, p->req_prod);
	printf("replies   consumer %08x producer %08x: %u bytes waiting\n",
	       p->rsp_cons, p->rsp_prod, p->rsp_prod - p->rsp_cons);
	page_dump(p->rsp, p->rsp_cons, p->rsp_prod);
	printf("features  %#x\nconnection %u\nerror     %u\nport      %u\n",
	       p->features, p->connection, p->error, p->evtchn_port);
}

int command_page(int argc, char **argv)
{
	struct shm_ring_page *page;
	struct simxen *m;
	uint64_t instance;
	int domid, status = 0;

	if (argc != 2)
		return command_misuse("page wants one domid");
	domid = command_domid(argv[1]);
	if (domid < 0)
		return 2;
	m = command_machine();
	if (!m)
		return 1;
	page = domain_map_page(m, (unsigned int)domid, &instance, PROT_READ);
	if (page) {
		page_show(page);
		munmap(page, SHM_PAGE);
	} else {
		status = command_fail(errno, "domain %d", domid);
	}
	simxen_close(m);
	return status;
}
