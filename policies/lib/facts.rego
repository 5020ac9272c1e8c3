# What the gates look up once: the security model in force, its profile, the device's class, the freshness of
# the registry.
package sallyport.lib.facts

import data.sallyport.lib.time

# A tenant has a model, a device may override it (FACTS, the five security models).
model := input.tenant.model if input.device.model == null

else := input.device.model if {
	is_string(input.device.model)
}

else := input.tenant.model if {
	input.device == null
}

# A back-end has no device: its tenant's model says how fresh facts must be.
else := input.tenant.model if {
	not input.device
}

profile := data.site.profiles[model]

class := data.site.classes[input.device.class]

# The registry's entry of the credential presented.
entry := input.device.credentials[input.credential.fingerprint]

# FACTS, staleness. Where no model is known the strictest limits hold.
soft_s := profile.facts_soft_s if profile.facts_soft_s

else := data.site.unmodelled.facts_soft_s

hard_s := profile.facts_hard_s if profile.facts_hard_s

else := data.site.unmodelled.facts_hard_s

fresh if time.lag <= soft_s

usable if time.lag <= hard_s
