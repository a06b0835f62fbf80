/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two halves of test_protocol. */
#ifndef TESTS_UNIT_PROTOCOL_H
#define TESTS_UNIT_PROTOCOL_H

#include <check.h>

/* The tests of protocol_text.c. */
TCase *protocol_text_case(void);

#endif
