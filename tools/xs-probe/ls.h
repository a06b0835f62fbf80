/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How ls shows bytes; apart, so that it has a test of its own. */
#ifndef XS_PROBE_LS_H
#define XS_PROBE_LS_H

#include <stdio.h>

#include "tools/xs-probe/probe.h"

/*
 * Printable ASCII as it is, but `"` and `\` with a `\` before them; \t, \n
 * and \r by these names; any other byte as \ and three octal digits.
 */
void ls_print_escaped(FILE *out, const char *bytes, size_t len);
/* The same for a text on stdout. */
void ls_print_text(const char *text);

#endif
