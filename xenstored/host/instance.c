// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Not a cryptographic mix: a domain's builder gains nothing from a collision,
 * as it decides about the domain anyway.
 */
#include "xenstored/host/instance.h"

#include <string.h>

static uint64_t instance_stir(uint64_t state, uint64_t word)
{
	state ^= word;
	state *= 0x9e3779b97f4a7c15u;	/* 2^64 / golden ratio, odd */
	state ^= state >> 29;
	state *= 0xd6e8feb86659fd93u;
	return state ^ state >> 32;
}

uint64_t instance_mix(const uint8_t handle[16], uint64_t frame)
{
	uint64_t half[2], mix;

	memcpy(half, handle, sizeof(half));
	mix = instance_stir(instance_stir(instance_stir(1, half[0]),
					  half[1]), frame);
	return mix ? mix : 1;
}
