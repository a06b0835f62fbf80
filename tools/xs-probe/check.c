/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xs-probe check: what the daemon finds when it looks at itself. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/table.h"

/* The number of findings said at the end must be that of those shown. */
static int verdict(struct probe *probe, const struct pages *pages)
{
	uint64_t total = 0, shown = 0;
	bool have = false;

	for (size_t i = 0; i < pages->count; i++) {
		shown += record_text(&pages->record[i], "finding") != NULL;
		have |= record_number(&pages->record[i], "findings", &total);
	}
	if (!have || total < shown)
		return probe_failed(probe, "check", -EBADMSG);
	if (!probe->json) {
		enum table_mark mark = total ? TABLE_BAD : TABLE_GOOD;

		for (size_t i = 0; i < pages->count; i++) {
			const char *text = record_text(&pages->record[i],
						       "finding");

			if (text)
				printf("wrong: %s\n", text);
		}
		printf("%s%" PRIu64 " finding%s%s\n",
		       table_colour(mark, probe->colour), total,
		       total == 1 ? "" : "s", table_plain(probe->colour));
	} else if (probe_json(json_pack("{s:I,s:o}", "findings",
					(json_int_t)total, "records",
					pages_json(pages)))) {
		return PROBE_WRONG;
	}
	return total ? PROBE_WRONG : PROBE_FINE;
}

int check_run(struct probe *probe, int argc, char **argv)
{
	struct pages pages;
	int ret = pages_read(probe, &pages, "check", "0", 0);

	if (ret == -ENOSYS)
		ret = probe_cannot_tell(probe, "whether its state is "
					"consistent without repairing it");
	else if (ret)
		ret = probe_failed(probe, "check", ret);
	else
		ret = verdict(probe, &pages);
	pages_free(&pages);
	return ret;
}
