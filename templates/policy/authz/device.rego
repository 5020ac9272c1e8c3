# Gates on a device's own questions. Each says "deny unless the good case holds", so that an absent fact denies.
package sallyport.authz.device

import data.sallyport.lib.time

profile := data.site.profile

failing contains "tenant_unknown" if not is_object(input.tenant)

failing contains "device_unknown" if not is_object(input.device)

failing contains "model_unknown" if not modelled

failing contains "credential_missing" if not is_object(input.credential)

failing contains "tenant_mismatch" if not same_tenant

failing contains "environment_mismatch" if not at_home

failing contains "model_not_allowed_in_environment" if not permitted

failing contains "credential_type_not_allowed" if not accepted

failing contains "credential_binding_mismatch" if not bound

failing contains "credential_unknown" if not registered

failing contains "credential_expired" if not valid

failing contains "device_quarantined" if not in_use

failing contains "direct_connect_not_allowed" if not routed

failing contains "attestation_missing" if not attested

failing contains "attestation_failed" if not affirmed

failing contains "attestation_stale" if not recent

failing contains "facts_stale" if not usable

modelled if {
	input.tenant.model == data.site.model
	input.device.model in {null, data.site.model}
}

same_tenant if {
	input.credential.tenant == input.device.tenant
	input.tenant.id == input.device.tenant
}

at_home if input.tenant.env == input.request.env

permitted if input.request.env in profile.environments

accepted if input.credential.type in profile.credential_types

bound if input.credential.device_id == input.device.id

# A shared credential is bound to no device: that is what is wrong with it.
bound if profile.unique_credential == false

registered if input.device.credentials[input.credential.fingerprint].status == "active"

valid if time.ahead(input.credential.not_after)

in_use if {
	input.device.state.lifecycle == "active"
	input.device.state.quarantine.active == false
}

routed if profile.mediated == false

routed if input.request.via in input.device.via

attested if profile.attestation_required == false

attested if is_object(input.device.attestation)

affirmed if profile.attestation_required == false

affirmed if input.device.attestation.status == "affirming"

recent if profile.attestation_required == false

recent if {
	time.before(input.device.attestation.appraised_at, profile.attestation_max_age_s)
	time.ahead(input.device.attestation.expires_at)
}

usable if time.lag <= profile.facts_hard_s

# A session ends with the credential that opened it.
session := {"session": {"max_s": profile.session_ttl_s, "until": input.credential.not_after}} if {
	is_object(input.credential)
}

else := {}
