# SPDX-License-Identifier: GPL-2.0-or-later
include tools/simxen/local.mk
include tools/xs-probe/local.mk
include tools/examples/local.mk
include tools/xs-bench/local.mk
