# The first gates: is the registry ready, do trust domain and environment agree, do we know device, class,
# tenant and model (FACTS, gate order). Each code is the negation of one positive, argument-free rule, so that
# an absent fact denies.
package sallyport.authz.subject

import data.sallyport.lib.facts

ready if input.registry.synced == true

proven if is_object(input.credential)

device_known if is_object(input.device)

class_known if {
	is_string(input.device.id)
	is_array(facts.class.publish)
}

tenant_known if is_object(input.tenant)

tenant_active if input.tenant.status == "active"

model_known if is_array(facts.profile.environments)

model_allowed if input.request.env in facts.profile.environments

domain_known if is_string(data.site.trust_domains[input.credential.trust_domain].env)

domain_agrees if input.credential.trust_domain == input.device.trust_domain

# Everything at once, for the straight path. Said again rather than called: a call costs three comparisons.
sound if {
	input.registry.synced == true
	credential := input.credential
	device := input.device
	tenant := input.tenant
	env := input.request.env
	credential.trust_domain == device.trust_domain
	data.site.trust_domains[credential.trust_domain].env == env
	tenant.env == env
	credential.tenant == device.tenant
	tenant.id == device.tenant
	tenant.status == "active"
	env in facts.profile.environments
}

# Codes of a request that a device makes itself.
failing contains "credential_missing" if not proven

failing contains "trust_domain_unknown" if {
	proven
	not domain_known
}

failing contains "trust_domain_mismatch" if {
	proven
	device_known
	not domain_agrees
}

failing contains "environment_mismatch" if {
	proven
	domain_known
	not credential_environment_agrees
}

failing contains "environment_mismatch" if not tenant_environment_agrees

failing contains "tenant_mismatch" if {
	proven
	device_known
	not credential_tenant_agrees
}

failing contains code if some code in standing

credential_environment_agrees if data.site.trust_domains[input.credential.trust_domain].env == input.request.env

credential_tenant_agrees if input.credential.tenant == input.device.tenant

# Codes of the command's target, which presents no credential: its own trust domain speaks.
target_failing contains "trust_domain_unknown" if {
	device_known
	not target_domain_known
}

target_failing contains "environment_mismatch" if {
	target_domain_known
	not target_environment_agrees
}

target_failing contains "environment_mismatch" if not tenant_environment_agrees

target_failing contains code if some code in standing

target_domain_known if is_string(data.site.trust_domains[input.device.trust_domain].env)

target_environment_agrees if data.site.trust_domains[input.device.trust_domain].env == input.request.env

# An unknown tenant has a code of its own.
tenant_environment_agrees if input.tenant == null

tenant_environment_agrees if input.tenant.env == input.request.env

record_agrees if input.tenant.id == input.device.tenant

# What both kinds share.
standing contains "facts_not_ready" if not ready

standing contains "device_unknown" if not device_known

standing contains "facts_invalid" if {
	device_known
	not class_known
}

standing contains "tenant_unknown" if not tenant_known

standing contains "tenant_mismatch" if {
	device_known
	tenant_known
	not record_agrees
}

standing contains "tenant_suspended" if {
	tenant_known
	not tenant_active
}

standing contains "model_unknown" if {
	tenant_known
	not model_known
}

standing contains "model_not_allowed_in_environment" if {
	model_known
	not model_allowed
}
