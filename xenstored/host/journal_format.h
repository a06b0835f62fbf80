/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of a segment, for its writer and its reader (journal.h). */
#ifndef HOST_JOURNAL_FORMAT_H
#define HOST_JOURNAL_FORMAT_H

#include <stdint.h>

#include "xenstored/host/journal.h"

#define JOURNAL_MAGIC 0x314c4e524a585050ull	/* "PPXJRNL1" */

struct journal_header {
	uint64_t magic;
	uint32_t format;
	uint32_t machine;	/* MACHINE_VERSION */
	uint64_t number;
	uint64_t size;
	uint64_t published;	/* end of the last whole record */
	uint64_t executed;	/* end of the last executed one */
	uint32_t receiving;	/* connection whose socket is in use, or 0 */
	uint32_t sending;
	uint32_t broken;
	uint32_t deaths;	/* at the record behind `executed` */
	uint32_t continued;	/* another segment follows */
	uint32_t reserved;
};

/* Before each record; records are aligned to 8. */
struct journal_mark {
	uint32_t len;		/* of the body, which follows */
	uint32_t sum;		/* over type, conn and the body */
	uint32_t type;
	uint32_t conn;
};

/* Body of DOMAIN, ADOPT, DONE, and of the host's own records. */
struct journal_facts {
	uint32_t domid, port, flags, error;
	uint64_t instance, ask;
};

static inline uint64_t journal_align(uint64_t n)
{
	return (n + 7) & ~7ull;
}

uint32_t journal_sum(const struct journal_mark *mark, const void *body);

#endif
