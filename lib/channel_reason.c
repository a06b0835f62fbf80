/* SPDX-License-Identifier: MIT */
/* One table, so that a reason and its word stay in one place. */
#include "config.h"

#include "lib/channel_reason.h"

#include <proxenos/channel.h>

static const char *const names[PX_CHANNEL_REASONS] = {
	[PX_CHANNEL_NONE] = "-",
	[PX_CHANNEL_CLOSED] = "closed",
	[PX_CHANNEL_LOST] = "lost",
	[PX_CHANNEL_SUSPECT] = "suspect",
	[PX_CHANNEL_GONE] = "gone",
	[PX_CHANNEL_SUPERSEDED] = "superseded",
	[PX_CHANNEL_REMOVED] = "removed",
	[PX_CHANNEL_MIGRATED] = "migrated",
	[PX_CHANNEL_PROTOCOL] = "protocol",
};

const char *channel_reason_name(unsigned int reason)
{
	return reason < PX_CHANNEL_REASONS ? names[reason] : names[0];
}

unsigned int channel_reason_of(struct span word)
{
	for (unsigned int i = 0; i < PX_CHANNEL_REASONS; i++)
		if (span_is(word, names[i]))
			return i;
	return PX_CHANNEL_NONE;
}

const char *px_channel_reason_name(enum px_channel_reason reason)
{
	return channel_reason_name((unsigned int)reason);
}
