/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a topic; see pages.h. */
#include "tools/xs-probe/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/cursor.h"
#include "protocol/wire.h"

/* The family's version that this program speaks. */
#define FAMILY "1"
/* A daemon that never says "0" is not followed for ever. */
#define PAGES_MAX 8192
#define WALKS_MAX 5

static ssize_t ask(struct probe *probe, const char *topic, const char *cursor,
		   char *reply, size_t size)
{
	struct px_bytes parts[] = {
		{ "probe", 6 },
		{ FAMILY, sizeof(FAMILY) },
		{ topic, strlen(topic) + 1 },
		{ cursor, strlen(cursor) + 1 },
	};

	return px_client_call(probe->client, WIRE_CONTROL, 0, parts, 4,
			      reply, size, probe->timeout);
}

/* The OCaml daemon says OK to any word it does not know. */
static bool is_shrug(const char *reply, size_t len)
{
	return len == 3 && !memcmp(reply, "OK", 3);
}

/*
 * A stock daemon refuses the word "probe" with an error that proxenos might
 * use for a topic; `status` decides who it is.
 */
static int refusal(struct probe *probe, const char *topic, int error)
{
	char reply[WIRE_PAYLOAD_MAX + 1];
	ssize_t n;

	if (error == -EACCES || error == -EPERM)
		return -EACCES;
	if (!px_client_is_up(probe->client))
		return error;
	if (!strcmp(topic, "status"))
		return -ENOSYS;
	n = ask(probe, "status", "0", reply, sizeof(reply));
	if (n >= 0 && is_shrug(reply, (size_t)n))
		return -ENOSYS;
	if (n >= 0)
		return error == -EAGAIN ? -EAGAIN : -ENOENT;
	return px_client_is_up(probe->client) ? -ENOSYS : (int)n;
}

static int add_record(struct pages *pages, char *line)
{
	struct record *more = reallocarray(pages->record, pages->count + 1,
					   sizeof(*more));

	if (!more)
		return -ENOMEM;
	pages->record = more;
	return record_parse(line, &pages->record[pages->count++]);
}

/* The first line to `cursor`, the others to records. */
static int take_page(struct pages *pages, char *text, size_t len, char *cursor)
{
	char *line = text, *end;
	struct span s;
	uint64_t number;
	int ret;

	if (!len || text[len - 1] != '\n' || memchr(text, '\0', len))
		return -EBADMSG;
	for (bool first = true; *line; first = false, line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		s.at = line;
		s.len = (size_t)(end - line);
		if (first) {
			if (s.len >= PAGES_CURSOR_MAX ||
			    !span_number(s, UINT64_MAX, &number))
				return -EBADMSG;
			memcpy(cursor, line, s.len + 1);
			continue;
		}
		ret = add_record(pages, line);
		if (ret)
			return ret;
	}
	return 0;
}

int pages_next(struct probe *probe, struct pages *pages, const char *topic,
	       char cursor[PAGES_CURSOR_MAX])
{
	char *text, **texts;
	ssize_t n;

	texts = reallocarray(pages->text, pages->texts + 1, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	pages->text = texts;
	text = malloc(WIRE_PAYLOAD_MAX + 1);
	if (!text)
		return -ENOMEM;
	pages->text[pages->texts++] = text;
	n = ask(probe, topic, cursor, text, WIRE_PAYLOAD_MAX + 1);
	if (n < 0)
		return refusal(probe, topic, (int)n);
	if (is_shrug(text, (size_t)n))
		return -ENOSYS;
	/* Replies of CONTROL may end with a NUL, as the stock daemon's do. */
	if (n && !text[n - 1])
		n--;
	return take_page(pages, text, (size_t)n, cursor);
}

static int read_walk(struct probe *probe, struct pages *pages,
		     const char *topic, const char *cursor, size_t limit)
{
	char next[PAGES_CURSOR_MAX], before[PAGES_CURSOR_MAX];
	int ret;

	memset(pages, 0, sizeof(*pages));
	if (strlen(cursor) >= sizeof(next))
		return -EBADMSG;
	memcpy(next, cursor, strlen(cursor) + 1);
	for (int i = 0; i < PAGES_MAX; i++) {
		memcpy(before, next, sizeof(before));
		ret = pages_next(probe, pages, topic, next);
		if (ret || !strcmp(next, "0") ||
		    (limit && pages->count >= limit))
			return ret;
		if (!strcmp(next, before))
			return -EBADMSG;
	}
	return -EBADMSG;
}

/* A daemon in a hurry forgets a walk that is not over: then once more. */
int pages_read(struct probe *probe, struct pages *pages, const char *topic,
	       const char *cursor, size_t limit)
{
	int ret = read_walk(probe, pages, topic, cursor, limit);

	for (int i = 0; ret == -EAGAIN && i < WALKS_MAX; i++) {
		pages_free(pages);
		ret = read_walk(probe, pages, topic, cursor, limit);
	}
	return ret;
}

void pages_free(struct pages *pages)
{
	for (size_t i = 0; i < pages->texts; i++)
		free(pages->text[i]);
	free(pages->text);
	free(pages->record);
	memset(pages, 0, sizeof(*pages));
}

const struct record *pages_domain(const struct pages *pages, uint64_t domid)
{
	uint64_t number;

	for (size_t i = 0; i < pages->count; i++)
		if (record_number(&pages->record[i], "domid", &number) &&
		    number == domid)
			return &pages->record[i];
	return NULL;
}

json_t *pages_json(const struct pages *pages)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < pages->count; i++)
		if (json_array_append_new(array,
					  record_json(&pages->record[i]))) {
			json_decref(array);
			return NULL;
		}
	return array;
}
