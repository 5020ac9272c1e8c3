# What an attestation result says (RATS RFC 9334, AR4SI tiers on a signed int8). The host has checked the
# verifier's signature; here: tier, verifier, key, claims, freshness.
package sallyport.authz.attestation

import data.sallyport.lib.facts
import data.sallyport.lib.time

result := input.device.attestation

absent if input.device.attestation == null

# Something was appraised.
stated if result.status in {"affirming", "warning", "contraindicated"}

# AR4SI tiers by the extremes of the claims: contraindicated from 96 and below -96, warning from 32 and below -32.
# A claim that is no number is an extreme in OPA's order of types, hence contraindicated.
values(vector) := array.concat([0], [value | some value in vector]) if is_object(vector)

claimed := values(result.vector)

top := max(claimed)

bottom := min(claimed)

# The overall status is never better than the worst claim.
uncontradicted if absent

uncontradicted if {
	result.status in {"affirming", "warning", "none"}
	top <= 95
	bottom >= -96
}

unwarned if {
	result.status != "warning"
	top <= 31
	bottom >= -32
}

trusted if result.verifier in data.site.trusted_verifiers

# Bound to the key presented; for a command's target to any active key.
bound if result.key_fingerprint == input.credential.fingerprint

bound if {
	not subject_presents
	input.device.credentials[result.key_fingerprint].status == "active"
}

subject_presents if is_object(input.credential)

# Required claims are affirming: 2..31 and -32..-2.
claims_met if count(affirmed_claims) == count(facts.profile.required_claims)

affirmed_claims := [claim |
	some claim in facts.profile.required_claims
	value := result.vector[claim]
	value >= -32
	value <= 31
	abs(value) >= 2
]

# [FACTS] strict: now - appraised_at < max_age and now < expires_at; a result from the future is not fresh.
fresh if {
	time.passed(result.appraised_at)
	time.before(result.appraised_at, facts.profile.attestation_max_age_s)
	time.ahead(result.expires_at)
}

in_grace if {
	not fresh
	time.passed(result.appraised_at)
	time.before(result.appraised_at, facts.profile.attestation_max_age_s + facts.profile.attestation_grace_s)
	time.before(result.expires_at, facts.profile.attestation_grace_s)
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
	evidence := input.device.attestation
	evidence.status == "affirming"
	evidence.verifier in data.site.trusted_verifiers
	evidence.key_fingerprint == input.credential.fingerprint
	top <= 31
	bottom >= -32
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
