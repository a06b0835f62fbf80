/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of image.h share. */
#ifndef CORE_IMAGE_KEY_H
#define CORE_IMAGE_KEY_H

#include "protocol/wire.h"

/* Longest key with its NUL: "base <conn> <id> " and a path. */
#define IMAGE_KEY_MAX (WIRE_ABS_PATH_MAX + 64)

#endif
