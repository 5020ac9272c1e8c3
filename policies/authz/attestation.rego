# What an attestation result says (RATS RFC 9334, AR4SI tiers on a signed int8). The host has checked the
# verifier's signature; here: tier, verifier, key, claims, freshness.
package sallyport.authz.attestation

import data.sallyport.lib.facts
import data.sallyport.lib.time

result := input.device.attestation

absent if input.device.attestation == null

# Something was appraised.
stated if result.status in {"affirming", "warning", "contraindicated"}

# AR4SI tiers. A claim that is no int8 is contraindicated by the comparisons' own order of types or not at all.
contraindicates(vector) if {
	some value in vector
	not value <= 95
}

contraindicates(vector) if {
	some value in vector
	not value >= -96
}

contraindicates(vector) if {
	some value in vector
	not is_number(value)
}

warns(vector) if {
	some value in vector
	value >= 32
}

warns(vector) if {
	some value in vector
	value <= -33
}

affirms(value) if {
	value >= 2
	value <= 31
}

affirms(value) if {
	value <= -2
	value >= -32
}

# The overall status is never better than the worst claim.
uncontradicted if absent

uncontradicted if {
	result.status in {"affirming", "warning", "none"}
	is_object(result.vector)
	not contraindicates(result.vector)
}

unwarned if {
	result.status != "warning"
	not warns(result.vector)
}

trusted if result.verifier in data.site.trusted_verifiers

# Bound to the key presented; for a command's target to any active key.
bound if result.key_fingerprint == input.credential.fingerprint

bound if {
	not subject_presents
	input.device.credentials[result.key_fingerprint].status == "active"
}

subject_presents if is_object(input.credential)

claims_met if {
	is_object(result.vector)
	unmet := [claim |
		some claim in facts.profile.required_claims
		not claim_met(result.vector, claim)
	]
	count(unmet) == 0
}

claim_met(vector, claim) if affirms(vector[claim])

# [FACTS] strict: now - appraised_at < max_age and now < expires_at; a result from the future is not fresh.
fresh if within(0)

in_grace if {
	not fresh
	within(facts.profile.attestation_grace_s)
}

within(grace) if {
	time.reached(result.appraised_at, 0)
	time.before(result.appraised_at, facts.profile.attestation_max_age_s + grace)
	time.before(result.expires_at, grace)
}

# When the evidence ends, without and with grace.
ends_at := min([result.appraised_at + facts.profile.attestation_max_age_s, result.expires_at])

grace_ends_at := ends_at + facts.profile.attestation_grace_s

# Good enough to restore trust: affirming, by a trusted verifier, for a key the device holds.
affirmed if {
	result.status == "affirming"
	uncontradicted
	unwarned
	trusted
	bound
}

# The profile asks every device for it, or gateways only.
required if facts.profile.attestation == "required"

required if {
	facts.profile.gateway_attestation == "required"
	facts.class.gateway == true
}

# Nothing to report where it is asked for.
sound if {
	result.status == "affirming"
	uncontradicted
	unwarned
	trusted
	bound
	claims_met
	fresh
}

failing contains "attestation_missing" if not stated

failing contains "attestation_untrusted_verifier" if {
	stated
	not trusted
}

failing contains "attestation_binding_mismatch" if {
	stated
	not bound
}

failing contains "attestation_claim_missing" if {
	stated
	not claims_met
}

failing contains "attestation_stale" if {
	stated
	not fresh
}

failing contains "attestation_warning" if {
	stated
	not unwarned
}
