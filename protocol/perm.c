/* SPDX-License-Identifier: MIT */
/* Access list entries; see perm.h. */
#include "protocol/perm.h"

static const char letters[4] = { 'n', 'r', 'w', 'b' };

bool perm_parse(struct span s, struct perm *out)
{
	struct span digits;
	uint64_t domid;

	if (!s.len)
		return false;
	digits.at = s.at + 1;
	digits.len = s.len - 1;
	for (unsigned int i = 0; i < 4; i++) {
		if (s.at[0] != letters[i])
			continue;
		if (!span_number(digits, 65535, &domid))
			return false;
		out->domid = (uint16_t)domid;
		out->access = (uint8_t)i;
		return true;
	}
	return false;
}

size_t perm_format(char *out, struct perm p)
{
	char digits[5];
	size_t n = 0, len = 0;
	unsigned int v = p.domid;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	out[len++] = letters[p.access & 3];
	while (n)
		out[len++] = digits[--n];
	out[len++] = '\0';
	return len;
}
