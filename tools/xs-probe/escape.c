/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes that a terminal must not see raw; see ls.h. */
#include "tools/xs-probe/ls.h"

#include <string.h>

void ls_print_escaped(FILE *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\t')
			fputs("\\t", out);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\r')
			fputs("\\r", out);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c >= ' ' && c <= '~')
			fputc(c, out);
		else
			fprintf(out, "\\%03o", c);
	}
}

void ls_print_text(const char *text)
{
	ls_print_escaped(stdout, text, strlen(text));
}
