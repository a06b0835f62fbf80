/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output queue's inner functions; conn.h is its face. */
#ifndef CORE_OUTPUT_H
#define CORE_OUTPUT_H

#include "xenstored/core/conn.h"

/* Forget all that was not delivered. */
void output_drop(struct machine *m, struct conn *c);
/* Fire watches that lost an event, as far as there is room now. */
void output_make_good(struct machine *m, struct conn *c);
/* The same, as time moves on, for those who have nothing to take. */
void output_tick(struct machine *m);
/* For a watch that is restored (image.h): it had lost one. */
void output_restore_lost(struct machine *m, struct watch *w);

#endif
