/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target: one function with the name and meaning that libFuzzer
 * expects.  driver.c runs it without a fuzzer; `make fuzz-clang` links it
 * with the real one.  A target ends the process with abort() when it finds
 * something wrong.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
