# The last gates: staleness of the facts, then admission (FACTS, staleness; gate order). Identity comes first,
# so shedding never hides a revocation.
package sallyport.authz.load

import data.sallyport.lib.facts

within_quota if input.tenant.admission.over_quota == false

admitted if {
	is_number(input.tenant.admission.min_priority)
	facts.class.priority >= input.tenant.admission.min_priority
}

open if {
	within_quota
	admitted
}

failing contains "tenant_quota_exceeded" if not within_quota

failing contains "admission_shed" if not admitted

# Facts past the hard limit deny everything, past the soft limit what is sensitive.
stale contains "facts_stale" if not facts.usable

sensitive_stale contains "facts_stale" if not facts.fresh
