/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's topics of CONTROL "probe" (docs/protocol/control.md): pages
 * of records for xs-probe.
 */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include "xenstored/core/request.h"

/*
 * Put a page of that topic from `cursor` on into the reply.  False: it is
 * not the machine's topic.
 */
bool probe_topic(struct request *r, struct span topic, uint32_t cursor);

#endif
