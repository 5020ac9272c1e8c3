# consume: the first gates. Is the registry ready, do trust domain and environment agree, is the service one of ours,
# is its tenant active; then its credential. Each code is the negation of one positive, argument-free rule.
package sallyport.readers

import data.sallyport.lib.facts
import data.sallyport.lib.time

standing contains "facts_not_ready" if not ready

standing contains "credential_missing" if not proven

standing contains "actor_missing" if not known

standing contains "trust_domain_unknown" if not domain_known

standing contains "trust_domain_mismatch" if {
	known
	not domain_agrees
}

standing contains "environment_mismatch" if {
	domain_known
	not in_environment
}

standing contains "tenant_unknown" if not tenant_known

standing contains "tenant_mismatch" if {
	known
	not of_one_tenant
}

standing contains "tenant_suspended" if {
	tenant_known
	not tenant_active
}

standing contains "model_unknown" if {
	tenant_known
	not model_known
}

ready if input.registry.synced == true

proven if is_object(input.credential)

domain_agrees if input.credential.trust_domain == input.service.trust_domain

tenant_known if is_object(input.tenant)

tenant_active if input.tenant.status == "active"

model_known if is_array(facts.profile.environments)

known if {
	is_object(input.service)
	is_object(input.actor)
	input.actor.type == "service"
	input.actor.id == input.service.id
	input.actor.id != ""
}

domain_known if is_string(data.site.trust_domains[input.credential.trust_domain].env)

in_environment if {
	data.site.trust_domains[input.credential.trust_domain].env == input.request.env
	tenant_in_environment
}

# An unknown tenant has a code of its own.
tenant_in_environment if not tenant_known

tenant_in_environment if input.tenant.env == input.request.env

of_one_tenant if {
	input.actor.tenant == input.service.tenant
	input.credential.tenant == input.service.tenant
	record_agrees
}

record_agrees if not tenant_known

record_agrees if input.tenant.id == input.service.tenant

# --- its credential -------------------------------------------------------------------------------------------------
entry := input.service.credentials[input.credential.fingerprint]

credential contains "credential_type_not_allowed" if not type_allowed

credential contains "credential_binding_mismatch" if not bound

credential contains "credential_unknown" if not listed

credential contains "credential_revoked" if {
	listed
	not standing_entry
}

credential contains "credential_superseded" if {
	standing_entry
	not current
}

credential contains "credential_not_yet_valid" if not begun

credential contains "credential_expired" if not running

type_allowed if input.credential.type in data.site.consumers.credential_types

listed if is_object(entry)

standing_entry if entry.status in {"active", "superseded"}

current if entry.status == "active"

begun if time.passed(input.credential.not_before)

running if time.ahead(input.credential.not_after)

# A back-end runs in several copies: `<service>` or `<service>:<copy>`. Service ids hold no colon.
bound if {
	input.credential.device_id == input.service.id
	split(input.request.client_id, ":")[0] == input.service.id
}
