/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's own reading of payloads: strings, numbers and paths, without
 * the parsers of protocol/.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/model.h"

unsigned int model_strings(const char *payload, size_t len)
{
	unsigned int n = 0;

	for (size_t i = 0; i < len; i++)
		n += payload[i] == '\0';
	return n;
}

const char *model_string(const char *payload, size_t len, unsigned int i)
{
	size_t at = 0;

	while (i-- && at < len)
		at += strnlen(payload + at, len - at) + 1;
	if (at >= len || !memchr(payload + at, 0, len - at))
		return NULL;
	return payload + at;
}

const char *model_one(const char *payload, size_t len)
{
	if (!len || payload[len - 1] || model_strings(payload, len) != 1)
		return NULL;
	return payload;
}

bool model_number(const char *s, uint64_t max, uint64_t *out)
{
	char *end;
	char text[32];

	if (strspn(s, "0123456789") != strlen(s))
		return false;
	while (s[0] == '0' && s[1])
		s++;
	if (strlen(s) > 19)
		return false;
	snprintf(text, sizeof(text), "%s", s);
	*out = strtoull(text[0] ? text : "0", &end, 10);
	return *out <= max;
}

static bool legal(const char *s)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@";
	size_t n = strlen(s);

	if (!n || n > 3072 || strspn(s, set) != n || strstr(s, "//"))
		return false;
	return n == 1 || s[n - 1] != '/';
}

/* What counts of a path: without a leading /local/domain/<digits>/. */
static size_t counted(const char *s)
{
	size_t all = strlen(s), n;

	if (strncmp(s, "/local/domain/", 14))
		return all;
	n = strspn(s + 14, "0123456789");
	if (!n || s[14 + n] != '/')
		return all;
	return all - 14 - n - 1;
}

char *model_path(struct model *m, struct mconn *c, const char *s,
		 bool special)
{
	uint64_t max = model_quota(m, c->domid, QUOTA_PATH_MAX);
	char home[32], *full;
	size_t n;

	if (!legal(s) || (s[0] == '@' && (!special || !s[1])))
		return NULL;
	if (!model_privileged(m, c->domid) && max && counted(s) > max)
		return NULL;
	if (s[0] == '/' || s[0] == '@')
		return model_copy(s, strlen(s));
	n = (size_t)snprintf(home, sizeof(home), "/local/domain/%u/",
			     c->domid);
	if (n + strlen(s) > 3072)
		return NULL;
	full = model_alloc(n + strlen(s) + 1);
	memcpy(full, home, n);
	memcpy(full + n, s, strlen(s));
	return full;
}
