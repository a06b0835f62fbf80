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

static int check_run(struct probe *probe, int argc, char **argv)
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

const struct command check_command = {
	.name = "check",
	.arguments = "",
	.summary = "is the daemon's state consistent",
	.run = check_run,
	.about =
"Has the daemon compare its store, charges and indexes with each other.  It\n"
"changes nothing.  Exit status 1 if there are findings.\n",
	.others =
"Not to be told: the stock daemons have such a check, but it repairs what it\n"
"finds and says so in their log only.\n",
	.examples =
"  xs-probe check && echo fine\n",
	.json =
"  findings  how many\n"
"  records   an array of the topic `check' (docs/protocol, control):\n"
"            {\"finding\": text}, and at the end {\"findings\": number}\n",
};
