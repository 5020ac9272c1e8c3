# What a back-end's list holds: one filter for each stream that its roles read, sensitive ones on fresh facts only.
package sallyport.readers_test

import data.sallyport

reader(lag) := {
	"now": 1000,
	"registry": {"synced": true, "watermark": 1000 - lag},
	"request": {"env": "prod", "client_id": "svc", "filter": null},
	"credential": {"type": "x509", "trust_domain": "prod.devices.acme.example", "device_id": "svc", "tenant": "acme", "fingerprint": "f", "not_before": 0, "not_after": 2000},
	"actor": {"id": "svc", "type": "service", "tenant": "acme", "roles": ["sre", "data_steward"]},
	"service": {"id": "svc", "tenant": "acme", "trust_domain": "prod.devices.acme.example", "credentials": {"f": {"status": "active"}}},
	"tenant": {"id": "acme", "status": "active", "model": "device_pki", "env": "prod"},
}

test_fresh if {
	list := sallyport.consume.grants with input as reader(0)
	[grant.filter | some grant in list] == ["t/acme/d/+/hv/#", "t/acme/d/+/ops/#"]
}

test_stale if {
	list := sallyport.consume.grants with input as reader(301)
	[grant.filter | some grant in list] == ["t/acme/d/+/ops/#"]
}

test_each_grant_is_complete if {
	every grant in sallyport.consume.grants {
		grant.action == "subscribe"
		grant.effect == "allow"
		grant.max_qos == 1
		grant.retain == false
		grant.reason == "ok"
	} with input as reader(0)
}

test_none_beside_a_denial if {
	denied := object.union(reader(0), {"tenant": {"id": "acme", "status": "suspended", "model": "device_pki", "env": "prod"}})
	sallyport.consume.grants == [] with input as denied
}

# A site of another shape: the stream before the device, a stream beside its template, templates that overlap.
other := {
	"roles": {"sre": ["ops"], "data_steward": ["alarm"], "nobody": ["sec"]},
	"topics": [
		{"topic": "plant/{stream}/{tenant}/{class}/{device}/#"},
		{"topic": "alarm/{tenant}/{device}/{code:code}", "stream": "alarm"},
		{"topic": "x/{tenant}/{stream}/{device}"},
		{"topic": "x/{tenant}/+/secret", "stream": "sec"},
		{"topic": "lost/{stream}/{device}/#"},
		{"topic": "lost/{tenant}/{device}/#"},
	],
}

answers := {
	# The stream stands anywhere, and what is below is free.
	"plant/ops/acme/#": "ok",
	"plant/ops/acme/pump/p-1/x": "ok",
	"plant/ops/acme/+/+/#": "ok",
	"alarm/acme/#": "ok",
	"alarm/acme/d-1/A1": "ok",
	"x/acme/ops/d-1": "ok",
	# The topic x/acme/ops/secret is of the stream `sec` too, and `+` reaches it.
	"x/acme/ops/secret": "role_missing",
	"x/acme/ops/+": "topic_wildcard_too_broad",
	"x/acme/ops/#": "topic_wildcard_too_broad",
	# What binds is said.
	"plant/+/acme/pump/p-1": "role_missing",
	"plant/ops/globex/pump/p-1": "tenant_mismatch",
	"plant/ops/+/pump/p-1": "topic_wildcard_too_broad",
	"plant/ops/#": "topic_wildcard_too_broad",
	"plant/#": "topic_wildcard_too_broad",
	"x/acme/#": "topic_wildcard_too_broad",
	"plant/sec/acme/#": "role_missing",
	"plant/ops": "tenant_mismatch",
	"other/ops/acme/#": "topic_out_of_scope",
	# A template without a tenant, or without a stream, opens nothing.
	"lost/ops/d-1/x": "topic_out_of_scope",
}

test_the_stream_stands_anywhere if {
	consumers := object.union(data.site.consumers, other)
	given := {filter: reason |
		some filter, _ in answers
		request := {"env": "prod", "client_id": "svc", "filter": filter}
		reason := sallyport.consume.reason with input as object.union(reader(0), {"request": request}) with data.site.consumers as consumers
	}
	given == answers
}

# An id that would change the shape of a filter reads nothing.
test_a_tenant_that_is_a_wildcard if {
	listed := [tenant |
		some tenant in ["+", "#", "", "acme/d"]
		facts := object.union(reader(0), {"actor": {"id": "svc", "type": "service", "tenant": tenant, "roles": ["sre"]}})
		some _ in sallyport.readers.grants with input as facts with data.sallyport.readers.codes as set()
	]
	listed == []
}

test_lists_say_what_single_questions_allow if {
	consumers := object.union(data.site.consumers, other)
	list := sallyport.consume.grants with input as reader(0) with data.site.consumers as consumers
	{grant.filter | some grant in list} == {"plant/ops/acme/#", "plant/alarm/acme/#", "alarm/acme/#"}
}
