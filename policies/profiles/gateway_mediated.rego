# A device behind a gateway: the gateway must be its own, proven, in good standing, and trust is the weaker of
# both (FACTS, the five security models; gate "gateway"). Asked in every model where `via` is set.
package sallyport.profiles.gateway_mediated

import data.sallyport.authz.attestation
import data.sallyport.authz.signals
import data.sallyport.lib.facts
import data.sallyport.lib.time

used if not direct

direct if input.request.via == null

known if is_object(input.gateway)

authorized if {
	input.gateway.id == input.request.via
	input.request.via in input.device.via
	input.gateway.tenant == input.device.tenant
	data.site.classes[input.gateway.class].gateway == true
}

# The gateway's own credential: vouched for by a peer that may, or every credential gate of the device again.
proven if input.gateway_credential == "asserted"

proven if {
	input.gateway_credential.type in facts.profile.credential_types
	gateway_type_allowed
	credential_bound
	credential_standing
	credential_timely
}

gateway_type_allowed if not facts.profile.gateway_credential_types

gateway_type_allowed if input.gateway_credential.type in facts.profile.gateway_credential_types

credential_bound if {
	input.gateway_credential.device_id == input.gateway.id
	input.gateway_credential.tenant == input.gateway.tenant
	input.gateway_credential.trust_domain == input.gateway.trust_domain
	data.site.trust_domains[input.gateway_credential.trust_domain].env == input.request.env
}

entry := input.gateway.credentials[input.gateway_credential.fingerprint]

credential_standing if {
	entry.status == "active"
	unshared
	hardware_backed
}

unshared if entry.devices - 1 <= 0

unshared if facts.profile.unique_credential == false

hardware_backed if facts.profile.hardware_key == false

hardware_backed if input.gateway_credential.key_protection in data.site.hardware_protections

credential_timely if {
	credential := input.gateway_credential
	time.passed(credential.not_before)
	time.ahead(credential.not_after)
	credential.not_after - credential.not_before <= facts.profile.credential_max_ttl_s
	in_use
}

in_use if time.before(entry.last_used_at, facts.profile.credential_inactivity_s)

in_use if time.before(entry.bound_at, facts.profile.credential_inactivity_s)

responses contains signals.answer(signal) if {
	some signal in input.gateway.state.signals
	not signals.lapsed(signal)
}

unquarantined if {
	input.gateway.state.quarantine.active == false
	not input.gateway.state.lifecycle in {"quarantined", "safe_mode"}
	is_array(input.gateway.state.signals)
	not "quarantine" in responses
}

active if {
	input.gateway.state.lifecycle == "active"
	time.ahead(input.gateway.support.eol_at)
	trusted_again
}

# A loss of trust that no evidence has cleared (FACTS, lifecycle).
trusted_again if input.gateway.state.reentry_required_since == 0

trusted_again if {
	input.gateway.attestation.status == "affirming"
	uncontradicted
	verified
	input.gateway.attestation.appraised_at - input.gateway.state.reentry_required_since > 0
	time.passed(input.gateway.attestation.appraised_at)
}

trusted_again if {
	entry.status == "active"
	entry.bound_at - input.gateway.state.reentry_required_since > 0
	time.passed(entry.bound_at)
}

verified if input.gateway.attestation.verifier in data.site.trusted_verifiers

uncontradicted if input.gateway.attestation == null

uncontradicted if {
	input.gateway.attestation.status in {"affirming", "warning", "none"}
	max(claimed) <= 95
	min(claimed) >= -96
	verified
	matching
}

claimed := attestation.values(input.gateway.attestation.vector)

matching if input.gateway.firmware == null

matching if input.gateway.firmware.attested_key == null

matching if input.gateway.firmware.attested_key == input.gateway.firmware.key

# Required of every gateway: a result, fresh by the profile's own age.
attested if {
	input.gateway.attestation.status in {"affirming", "warning"}
	time.passed(input.gateway.attestation.appraised_at)
	time.before(input.gateway.attestation.appraised_at, facts.profile.gateway_attestation_max_age_s)
	time.ahead(input.gateway.attestation.expires_at)
}

# When its part in a leaf's session ends: its evidence, its service, its own key and, as for the device itself, its
# support, its time to patch and its waiver.
ends contains input.gateway.attestation.appraised_at + facts.profile.gateway_attestation_max_age_s

ends contains input.gateway.attestation.expires_at

ends contains input.gateway.support.eol_at

ends contains input.gateway.support.support_ends_at if supported

ends contains input.gateway_credential.not_after

ends contains max([entry.last_used_at, entry.bound_at]) + facts.profile.credential_inactivity_s

ends contains input.gateway_fw_policy.patched_deadline if {
	not patched
	in_patch_window
}

ends contains input.gateway.compliance.exception.expires_at if waived

firmware_good if {
	input.gateway.firmware.key - input.gateway_fw_policy.min_key >= 0
	is_array(input.gateway_fw_policy.blocked)
	not input.gateway.firmware.key in input.gateway_fw_policy.blocked
	input.gateway.firmware.channel in data.site.firmware_channels[input.request.env]
}

# No posture finding: it may carry anything that its leaf may send.
undegraded if {
	in_patch_window
	supported
	input.gateway.attestation.status == "affirming"
	max(claimed) <= 31
	min(claimed) >= -32
	not "downgrade" in responses
	compliant
}

supported if time.ahead(input.gateway.support.support_ends_at)

patched if input.gateway.firmware.key - input.gateway_fw_policy.patched_key >= 0

in_patch_window if patched

in_patch_window if time.ahead(input.gateway_fw_policy.patched_deadline)

compliant if unwaived

compliant if waived

unwaived if input.gateway.compliance == null

unwaived if input.gateway.compliance.status == "compliant"

waived if {
	not unwaived
	time.ahead(input.gateway.compliance.exception.expires_at)
}

degraded if {
	used
	known
	not undegraded
}

roomy if input.gateway.max_children - input.gateway.children > 0

# Everything at once, for the straight path.
sound if {
	is_string(input.request.via)
	authorized
	proven
	unquarantined
	active
	uncontradicted
	attested
	firmware_good
	undegraded
}

failing contains "gateway_unknown" if {
	used
	not known
}

failing contains "gateway_not_authorized" if {
	served
	not authorized
}

failing contains "gateway_not_authorized" if {
	served
	not proven
}

failing contains "gateway_quarantined" if {
	served
	not unquarantined
}

failing contains "gateway_not_active" if {
	served
	unquarantined
	not active
}

failing contains "gateway_attestation_failed" if {
	served
	not uncontradicted
}

failing contains "gateway_attestation_stale" if {
	served
	not attested
}

failing contains "gateway_firmware_below_minimum" if {
	served
	not firmware_good
}

served if {
	used
	known
}

# Asked at connect only: a leaf that is connected has its place.
full if {
	served
	not roomy
}
