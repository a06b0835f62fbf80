/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second machine's other life: at random moments it is written as
 * records and made again from them, and nobody may notice.  It is the second
 * only, so that there is always one beside it that never was an image.
 */
#include "config.h"

#include <errno.h>

#include "tests/property/bag.h"
#include "tests/property/harness.h"

static void say(void *arg, const char *text)
{
	harness_fail(arg, "machine_check of a machine from its image: %s",
		     text);
}

static void replace(struct harness *h, const struct bag *b)
{
	uint64_t digest = machine_digest(h->second);
	struct machine *m;
	char why[256];
	int error;

	m = bag_read(b, &h->s->config, &error, why);
	if (!m) {
		harness_fail(h, "image_read() failed with %d: %s", error, why);
		return;
	}
	if (machine_digest(m) != digest)
		harness_fail(h, "a machine from its image has another digest");
	machine_check(m, say, h);
	machine_free(h->second);
	h->second = m;
	h->replaced++;
}

void harness_replace(struct harness *h)
{
	struct bag b = { NULL, 0, 0 };
	int error;

	if (!h->second || h->failure[0] || random_below(&h->replace_rnd, 6))
		return;
	error = bag_write(&b, h->second);
	if (!error)
		replace(h, &b);
	else if (error != -EBUSY)
		harness_fail(h, "image_write() returned %d", error);
	bag_free(&b);
}
