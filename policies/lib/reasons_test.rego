package sallyport.lib.reasons_test

import data.sallyport.lib.reasons

fresh := {"now": 1000, "registry": {"watermark": 1000}}

behind := {"now": 1000, "registry": {"watermark": 1}}

test_gate_order if {
	reasons.first({"qos_not_allowed", "credential_revoked", "support_ended"}) == "credential_revoked" with input as fresh
	reasons.others({"qos_not_allowed", "credential_revoked", "support_ended"}, "credential_revoked") == ["qos_not_allowed", "support_ended"] with input as fresh
}

test_nothing_wrong_gives_no_reason if {
	not reasons.first(set()) with input as fresh
	not reasons.first({"no_such_code"}) with input as fresh
}

# Absence is not evidence while the registry is behind, and is said once.
test_absences_are_told_as_staleness if {
	reasons.first({"device_unknown"}) == "device_unknown" with input as fresh
	reasons.first({"device_unknown"}) == "facts_stale" with input as behind
	reasons.ordered({"device_unknown", "tenant_unknown", "facts_stale", "qos_not_allowed"}) == ["facts_stale", "qos_not_allowed"] with input as behind
}

test_blinding if {
	reasons.blinding({"device_unknown", "qos_not_allowed"})
	not reasons.blinding({"qos_not_allowed"})
	not reasons.blinding(set())
}

test_allowing if {
	reasons.allowing(set()) == "ok"
	reasons.allowing({"ok_failover", "ok_degraded"}) == "ok_degraded"
	reasons.noted({"ok_failover", "ok_degraded"}) == ["ok_degraded", "ok_failover"]
}
