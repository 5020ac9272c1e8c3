# The device itself: its registered credential, its lifecycle, and the two findings of posture that leave it nothing
# but remediation (FACTS, lifecycle table, column OTA). What a registry does not state of a credential (its type,
# validity, key protection: a certificate says those itself) is judged when the device comes to fetch.
package sallyport.updates

import data.sallyport.authz.attestation
import data.sallyport.authz.credential
import data.sallyport.authz.lifecycle
import data.sallyport.authz.posture
import data.sallyport.lib.facts

identity contains "credential_type_not_allowed" if not type_fits

identity contains "credential_binding_mismatch" if not bound

identity contains "credential_unknown" if not credential.known

identity contains "credential_revoked" if {
	credential.known
	not credential.unrevoked
}

identity contains "credential_superseded" if {
	credential.unrevoked
	not credential.current
}

identity contains "credential_not_yet_valid" if not begun

identity contains "credential_expired" if not valid

identity contains "credential_ttl_exceeds_policy" if not short_lived

identity contains "credential_shared" if {
	credential.known
	not credential.unshared
}

identity contains "credential_inactive" if {
	credential.known
	not credential.in_use
}

identity contains "key_not_hardware_backed" if not hardware_backed

type_fits if input.credential.type == null

type_fits if credential.type_allowed

bound if input.credential.device_id == input.device.id

bound if input.credential.type in data.site.unbound_types

begun if input.credential.not_before == null

begun if credential.begun

valid if input.credential.not_after == null

valid if credential.valid

short_lived if input.credential.not_before == null

short_lived if input.credential.not_after == null

short_lived if credential.short_lived

hardware_backed if input.credential.key_protection == null

hardware_backed if credential.hardware_backed

standing contains "ota_not_supported" if not supported

supported if facts.profile.no_ota == false

standing contains lifecycle.denial if {
	offered
	not updatable
}

standing contains "facts_invalid" if not lifecycle.state

updatable if lifecycle.state == "active"

updatable if kind in data.site.ota.kinds[lifecycle.state]

# The way back from a wrong build or a compromised device is a remediation release and nothing else.
restoring if kind == "remediation"

standing contains "firmware_not_production" if {
	offered
	not restoring
	not production
}

production if posture.production

# A gateway that never reported has no version either, which is said below.
production if input.device.firmware == null

standing contains "attestation_failed" if {
	offered
	not restoring
	not attestation.uncontradicted
}
