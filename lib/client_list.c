/* SPDX-License-Identifier: MIT */
/*
 * A directory of any size.  DIRECTORY answers in one message or not at all;
 * DIRECTORY_PART gives pieces, each with the directory's generation count in
 * front, and only pieces of one generation belong together.  So a change of
 * the count throws away what was gathered and begins again, a bounded number
 * of times.
 */
#include <errno.h>
#include <string.h>

#include "lib/client_priv.h"
#include "protocol/cursor.h"

#define RESTARTS_MAX 16

static void part_done(void *arg, int result, const char *data, size_t len);

static void list_end(struct px_client_list *list, int result)
{
	if (result)
		list->done(list->arg, result, "", 0);
	else
		list->done(list->arg, 0, list->names, list->used);
}

static int list_append(struct px_client_list *list, struct span names)
{
	if (names.len > list->size - list->used)
		return -ENOBUFS;
	memcpy(list->names + list->used, names.at, names.len);
	list->used += names.len;
	return 0;
}

/* Ask for the names from `used` on. */
static int ask_part(struct px_client_list *list)
{
	char digits[20], offset[21];
	struct px_bytes parts[2] = {
		{ list->path, list->path_len },
		{ offset, 0 },
	};
	size_t v = list->used, n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (n)
		offset[parts[1].len++] = digits[--n];
	offset[parts[1].len++] = '\0';
	return px_client_request(list->client, WIRE_DIRECTORY_PART, list->tx,
				 parts, 2, part_done, list);
}

static void ask_or_end(struct px_client_list *list)
{
	int ret = ask_part(list);

	if (ret)
		list_end(list, ret);
}

/* The generation count in front of a part; false if there is none. */
static bool part_generation(const struct px_client_list *list,
			    struct cursor *c, struct span *generation)
{
	uint64_t number;

	return cursor_string(c, generation) &&
	       generation->len < sizeof(list->generation) &&
	       span_number(*generation, UINT64_MAX, &number);
}

/*
 * The names of a part are NUL-ended; after the last part one more NUL
 * follows, which an empty directory's only part consists of.
 */
static int take_part(struct px_client_list *list, struct span names, bool *last)
{
	*last = false;
	if (!names.len || names.at[names.len - 1])
		return -EBADMSG;
	if (names.len == 1 || !names.at[names.len - 2]) {
		*last = true;
		names.len--;
	}
	return list_append(list, names);
}

static void part_done(void *arg, int result, const char *data, size_t len)
{
	struct px_client_list *list = arg;
	struct cursor c = cursor_of(data, len);
	struct span generation;
	bool last;

	if (result) {
		list_end(list, result);
		return;
	}
	if (!part_generation(list, &c, &generation)) {
		list_end(list, -EBADMSG);
		return;
	}
	if (list->used && !span_is(generation, list->generation)) {
		list->used = 0;
		if (++list->restarts > RESTARTS_MAX)
			list_end(list, -EAGAIN);
		else
			ask_or_end(list);
		return;
	}
	memcpy(list->generation, generation.at, generation.len);
	list->generation[generation.len] = '\0';
	result = take_part(list, cursor_rest(&c), &last);
	if (result || last)
		list_end(list, result);
	else
		ask_or_end(list);
}

static void whole_done(void *arg, int result, const char *data, size_t len)
{
	struct px_client_list *list = arg;
	struct span names = { data, len };

	if (result == -E2BIG) {
		ask_or_end(list);
		return;
	}
	if (!result && len && data[len - 1])
		result = -EBADMSG;
	if (!result)
		result = list_append(list, names);
	list_end(list, result);
}

int px_client_list(struct px_client *client, struct px_client_list *list,
		   uint32_t tx, const char *path, char *names, size_t size,
		   px_client_done *done, void *arg)
{
	size_t len = strlen(path);

	if (!done || len >= sizeof(list->path))
		return -EINVAL;
	list->client = client;
	list->done = done;
	list->arg = arg;
	list->names = names;
	list->size = size;
	list->used = 0;
	list->tx = tx;
	list->restarts = 0;
	list->path_len = len + 1;
	memcpy(list->path, path, len + 1);
	return px_client_directory(client, tx, path, whole_done, list);
}
