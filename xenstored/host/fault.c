/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Death at a chosen point; see fault.h. */
#include "xenstored/host/fault.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cursor.h"
#include "xenstored/core/machine.h"

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

void fault_input(const struct machine_input *in)
{
	static const char *text;

	if (!text) {
		text = getenv("XENSTORED_DIE_ON");
		if (!text)
			text = "";
	}
	if (*text && in->type == MACHINE_IN_BYTES &&
	    memmem(in->data, in->len, text, strlen(text)))
		raise(SIGKILL);
}
#endif
