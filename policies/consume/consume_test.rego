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
