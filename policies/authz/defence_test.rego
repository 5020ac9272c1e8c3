# The second line: what the host refuses before it asks, or what today's data never lets happen, is denied here as well.
package sallyport.authz.defence_test

import data.sallyport
import data.sallyport.authz.attestation
import data.sallyport.authz.command
import data.sallyport.authz.connect
import data.sallyport.authz.lifecycle
import data.sallyport.authz.posture
import data.sallyport.authz.publish
import data.sallyport.authz.signals
import data.sallyport.authz.streams
import data.sallyport.lib.facts
import data.sallyport.profiles.gateway_mediated

test_a_question_about_nothing_is_a_bad_request if {
	asked := [sallyport.publish, sallyport.subscribe, sallyport.command] with input as {}
	{answer.reason | some answer in asked} == {"bad_request"}
}

# A code without a place in the order gives no reason: then it is not judged, and not allowed.
test_a_code_without_a_place_denies if {
	answers := [sallyport.connect, sallyport.publish, sallyport.subscribe, sallyport.command, sallyport.ota, sallyport.consume, sallyport.grants] with input as {} with data.site.gate_order as []
	count(answers) == 7
	{answer.reason | some answer in answers} == {"facts_invalid"}
	{answer.allow | some answer in answers} == {false}
}

# --- a lifecycle that we do not know ------------------------------------------------------------------------------
lifeless := {"device": {"state": {}}}

test_without_a_lifecycle_nothing_is_open if {
	not lifecycle.state with input as lifeless
	"facts_invalid" in connect.failing with input as lifeless
	"facts_invalid" in command.failing with input as lifeless
	streams.closed("publish", "ops") == {"facts_invalid"} with input as lifeless
}

# --- detections that cannot be read -------------------------------------------------------------------------------
test_unreadable_signals_are_the_worst if {
	signals.quarantines with input as {"device": {"state": {}}}
	signals.disables_commands with input as {"device": {"state": {"signals": "none"}}}
}

test_a_signal_without_a_type_quarantines if {
	signals.answer({"expires_at": 9}) == "quarantine" with input as {"tenant": {"playbook": {}}}
}

test_without_a_playbook_every_signal_quarantines if {
	signals.answer({"type": "flood", "expires_at": 9}) == "quarantine" with input as {"tenant": {}}
}

test_a_response_that_nobody_knows_quarantines if {
	signals.answer({"type": "flood", "expires_at": 9}) == "quarantine" with input as {"tenant": {"playbook": {"flood": "shrug"}}}
}

# --- a device asks with one key: another of its keys speaks for it only where it presents none -------------------------
two_keys := {
	"now": 1000,
	"tenant": {"model": "device_pki"},
	"credential": {"fingerprint": "old"},
	"device": {
		"model": null,
		"credentials": {"old": {"status": "active", "bound_at": 100}, "new": {"status": "active", "bound_at": 900}},
		"state": {"reentry_required_since": 500},
		"attestation": {"key_fingerprint": "new"},
	},
}

test_another_key_restores_nothing if {
	not lifecycle.rebound with input as two_keys
	not attestation.bound with input as two_keys
	lifecycle.rebound with input as object.remove(two_keys, ["credential"])
	attestation.bound with input as object.remove(two_keys, ["credential"])
}

# --- INV-03: a quarantine opens nothing that enrolling had not -------------------------------------------------------
enrolling := {"device": {"state": {"lifecycle": "enrolled", "quarantine": {"active": true, "mode": "constrain"}, "signals": []}, "support": {"eol_at": 9000}}, "tenant": {"model": "device_pki", "playbook": {}}, "now": 1000}

test_a_quarantined_enrolling_device_keeps_to_its_channel if {
	asked := object.union(enrolling, {"device": {"model": null}})
	lifecycle.state == "quarantined" with input as asked
	lifecycle.unquarantined_subscribe == data.site.channels.enrolled.subscribe with input as asked
	lifecycle.unquarantined_publish == data.site.channels.enrolled.publish with input as asked
}

# --- tables that lack an entry -------------------------------------------------------------------------------------
test_a_finding_without_a_level_blocks if posture.level("unheard_of") == 3

test_without_a_model_the_strictest_freshness_holds if {
	facts.soft_s == data.site.unmodelled.facts_soft_s with input as {}
	facts.hard_s == data.site.unmodelled.facts_hard_s with input as {}
}

test_a_plain_allow_carries_nothing_more if {
	publish.plain_duties == {} with input as {"tenant": {"model": "device_pki"}, "device": {"model": null}}
	publish.plain_duties == {"audit": "full"} with input as {"tenant": {"model": "safety_segmented"}, "device": {"model": null}}
}

# A lab's shared keys are shared by its gateways too.
test_a_gateway_may_share_a_key_where_devices_may if {
	shared := {"tenant": {"model": "shared_credential"}, "device": {"model": null}}
	gateway_mediated.unshared with input as shared
	not gateway_mediated.unshared with input as object.union(shared, {"tenant": {"model": "device_pki"}})
}

test_an_active_device_is_let_in_by_name if {
	connect.admissible with lifecycle.state as "active"
	command.deliverable with lifecycle.state as "active"
}

# What a stream alone asks for is found where it is asked.
test_findings_are_of_the_stream if {
	asked := {
		"tenant": {"id": "acme", "model": "device_pki", "attestation_for_hv": true},
		"device": {"id": "m-1", "class": "meter", "model": null, "attestation": null},
	}
	"attestation_missing" in publish.findings with input as object.union(asked, {"request": {"topic": "t/acme/d/m-1/hv/x"}})
	not "attestation_missing" in publish.findings with input as object.union(asked, {"request": {"topic": "t/acme/d/m-1/ops/x"}})
}
