/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quotas' names and defaults; see quota.h. */
#include "xenstored/core/quota.h"
#include "xenstored/core/domain.h"

const struct quota_row quota_table[QUOTA_COUNT] = {
	[QUOTA_NODES] = { "nodes", 1000, true, "nodes owned" },
	[QUOTA_WATCHES] = { "watches", 128, true, "watches set" },
	[QUOTA_OUTSTANDING] = { "outstanding", 20, true,
		"requests whose reply was not taken" },
	[QUOTA_MEMORY] = { "memory", 2621440, true,
		"bytes held: nodes, watches, transactions, messages" },
	[QUOTA_MEMORY_SOFT] = { "memory-soft", 2097152, false,
		"bytes held above which a warning is logged" },
	[QUOTA_TRANSACTIONS] = { "transactions", 10, true,
		"transactions open" },
	[QUOTA_TRANSACTION_NODES] = { "transaction-nodes", 1024, false,
		"nodes accessed in one transaction" },
	[QUOTA_NODE_PERMISSIONS] = { "permissions", 5, false,
		"entries of one access list" },
	[QUOTA_PATH_MAX] = { "path-max", 2048, false,
		"length of a path below /local/domain/<id>" },
	[QUOTA_NODE_SIZE] = { "node-size", 2048, false,
		"bytes of one node's value" },
};

#define NODE_PERMISSIONS "node-permissions"

const char *quota_known_as(enum quota_id row)
{
	return row == QUOTA_NODE_PERMISSIONS ? NODE_PERMISSIONS :
					       quota_table[row].name;
}

int quota_find(struct span name)
{
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (span_is(name, quota_table[i].name))
			return i;
	/* Its other name; stock CONTROL and the protocol say "permissions". */
	return span_is(name, NODE_PERMISSIONS) ? QUOTA_NODE_PERMISSIONS : -1;
}

void machine_config_defaults(struct machine_config *config)
{
	*config = (struct machine_config){
		.features = 15,
		.socket_output_max = 4 << 20,
		.version = "unknown",
	};
	for (int i = 0; i < QUOTA_COUNT; i++)
		config->quota[i] = quota_table[i].initial;
}

void quota_set_all(struct machine *m, enum quota_id row, uint64_t value)
{
	m->config.quota[row] = value;
	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1))
		if (!m->domain[i]->own_limit[row])
			m->domain[i]->limit[row] = value;
}
