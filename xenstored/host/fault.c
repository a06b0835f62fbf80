/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Death at a chosen point; see fault.h. */
#include "xenstored/host/fault.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cursor.h"
#include "xenstored/core/machine.h"
#include "xenstored/core/mem.h"

#ifdef ENABLE_FAULTS
void fault_point(const char *name)
{
	static const char *wanted;
	static uint64_t left;
	const char *colon;

	if (!wanted) {
		wanted = getenv("XENSTORED_DIE_AT");
		colon = wanted ? strchr(wanted, ':') : NULL;
		if (!colon || !span_number((struct span){ colon + 1,
				strlen(colon + 1) }, UINT32_MAX, &left))
			wanted = "";
	}
	if (!left || strncmp(wanted, name, strlen(name)) ||
	    wanted[strlen(name)] != ':' || --left)
		return;
	raise(SIGKILL);
}

/* "<text>:<n>" of that variable; the text is empty if it is not set. */
static const char *fault_wish(const char *variable, size_t *len, uint64_t *n)
{
	const char *text = getenv(variable);
	const char *colon = text ? strrchr(text, ':') : NULL;

	*len = 0;
	if (!colon || !span_number((struct span){ colon + 1,
			strlen(colon + 1) }, UINT32_MAX, n))
		return "";
	*len = (size_t)(colon - text);
	return text;
}

static bool fault_found(const struct machine_input *in, const char *text,
			size_t len)
{
	return len && in->type == MACHINE_IN_BYTES &&
	       memmem(in->data, in->len, text, len);
}

void fault_input(const struct machine_input *in)
{
	static const char *text, *lack;
	static size_t lack_len;
	static uint64_t lack_after;

	if (!text) {
		text = getenv("XENSTORED_DIE_ON");
		if (!text)
			text = "";
		lack = fault_wish("XENSTORED_LACK_ON", &lack_len, &lack_after);
	}
	if (fault_found(in, text, strlen(text)))
		raise(SIGKILL);
	mem_fail_after(fault_found(in, lack, lack_len) ? (long)lack_after :
		       -1);
}
#endif
