/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The echo server, `xs-bench --echo`; see echo.c. Does not return. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

int echo_main(void);

#endif
