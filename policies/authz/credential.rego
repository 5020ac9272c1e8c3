# The credential gates: type, claim, binding, known, revoked, superseded, not yet valid, expired, ttl, shared,
# inactive, hardware (FACTS, gate order). Expiry has a renewal grace that leaves one channel open, so it is
# judged with what is asked: `valid`, `renewing`.
package sallyport.authz.credential

import data.sallyport.lib.facts
import data.sallyport.lib.time

claim if input.credential.type == "claim"

# Types are the profile's; a claim is every profile's, its own gates follow.
type_allowed if {
	input.credential.type in facts.profile.credential_types
	class_type_allowed
}

type_allowed if claim

# A gateway may be held to fewer types than its leaves.
class_type_allowed if not facts.class.gateway

class_type_allowed if not facts.profile.gateway_credential_types

class_type_allowed if input.credential.type in facts.profile.gateway_credential_types

# [FACTS rule 8] the id bound into the credential, the record and the client id are one.
bound if {
	input.credential.device_id == input.device.id
	input.request.client_id == input.device.id
}

bound if {
	input.credential.type in data.site.unbound_types
	input.request.client_id == input.device.id
}

known if is_object(facts.entry)

known if claim

unrevoked if facts.entry.status in {"active", "superseded"}

unrevoked if {
	claim
	not facts.entry
}

current if facts.entry.status == "active"

current if {
	claim
	not facts.entry
}

begun if time.passed(input.credential.not_before)

valid if time.ahead(input.credential.not_after)

# Expired, within the renewal grace: only the channel to renew stays open. A claim has no grace.
renewing if {
	not valid
	not claim
	time.before(input.credential.not_after, facts.profile.renewal_grace_s)
}

short_lived if input.credential.not_after - input.credential.not_before <= facts.profile.credential_max_ttl_s

short_lived if claim

unshared if facts.entry.devices - 1 <= 0

unshared if facts.profile.unique_credential == false

unshared if claim

# Unused for too long, counted from its last use or else from its binding.
in_use if time.before(facts.entry.last_used_at, facts.profile.credential_inactivity_s)

in_use if time.before(facts.entry.bound_at, facts.profile.credential_inactivity_s)

in_use if claim

hardware_backed if facts.profile.hardware_key == false

hardware_backed if input.credential.key_protection in data.site.hardware_protections

# A valid operational credential with every gate passed, for the straight path. Said again rather than called.
sound if {
	credential := input.credential
	profile := facts.profile
	entry := facts.entry
	credential.type in profile.credential_types
	credential.type != "claim"
	class_type_allowed
	bound
	entry.status == "active"
	unshared
	time.before(entry.last_used_at, profile.credential_inactivity_s)
	time.passed(credential.not_before)
	time.ahead(credential.not_after)
	credential.not_after - credential.not_before <= profile.credential_max_ttl_s
	hardware_backed
}

failing contains "credential_type_not_allowed" if not type_allowed

failing contains code if {
	claim
	some code in claim_failing
}

failing contains "credential_binding_mismatch" if not bound

failing contains "credential_unknown" if not known

failing contains "credential_revoked" if {
	known
	not unrevoked
}

failing contains "credential_superseded" if {
	unrevoked
	not current
}

failing contains "credential_not_yet_valid" if not begun

failing contains "credential_ttl_exceeds_policy" if not short_lived

failing contains "credential_shared" if {
	known
	not unshared
}

failing contains "credential_inactive" if {
	known
	not in_use
}

failing contains "key_not_hardware_backed" if not hardware_backed

# Claims (FACTS, lifecycle: provisioned connects by claim only). Whether it has been spent is asked where it is
# spent, at connect: the session that spent it goes on.
claim_failing contains "claim_not_allowed" if not unenrolled

claim_failing contains "claim_out_of_scope" if not in_scope

claim_failing contains "claim_policy_violation" if not modest

unenrolled if input.device.state.lifecycle == "provisioned"

in_scope if input.device.id in input.credential.claim.device_ids

modest if {
	input.credential.claim.single_use == true
	input.credential.not_after - input.credential.not_before <= data.site.claim_max_ttl_s
}

unspent if input.credential.claim.used == false
