# From what failed and what was noted to one answer: one reason, the rest as findings in gate order (FACTS,
# rule 3), constant obligations of a denial by its reason (data.site.on_deny).
package sallyport.authz.verdict

import data.sallyport.authz.lifecycle
import data.sallyport.lib.facts

# Codes of the first gates blind the later ones where the subject cannot be judged.
blinding(codes) if {
	some code in data.site.blinding
	code in codes
}

# Codes in gate order, each once, an absence told as staleness while the registry is behind (FACTS, rule 6).
ordered(codes) := [told(code) |
	some code in data.site.gate_order
	code in codes
	not repeated(code, codes)
]

told(code) := "facts_stale" if stale_absence(code)

else := code

stale_absence(code) if {
	code in data.site.absences
	not facts.fresh
}

# `facts_stale` and every absence but the first are one code once told.
repeated(code, codes) if {
	told(code) == "facts_stale"
	earlier := [other |
		some other in array.concat(data.site.absences, ["facts_stale"])
		other in codes
		told(other) == "facts_stale"
	]
	code != earlier[0]
}

# `found` are posture codes that the request would have tolerated: they are told as well.
denial(codes, found) := {
	"allow": false,
	"reason": reason,
	"findings": [code | some code in ordered(codes | found); code != reason],
	"obligations": object.union(constant(reason), varying(reason)),
} if {
	reason := ordered(codes)[0]
}

constant(reason) := data.site.on_deny[reason] if data.site.on_deny[reason]

else := {}

# What depends on the facts as well.
varying("credential_not_yet_valid") := {"retry_at": input.credential.not_before}

varying("tenant_quota_exceeded") := {"retry_after_s": input.tenant.admission.retry_after_s}

varying("admission_shed") := {"retry_after_s": input.tenant.admission.retry_after_s}

varying(reason) := shut_out(reason) if {
	not reason in {"credential_not_yet_valid", "tenant_quota_exceeded", "admission_shed"}
}

# A state that leaves no channel closes the sessions too.
shut_out(reason) := data.site.on_shut_out[lifecycle.state] if {
	reason == lifecycle.denial
	data.site.on_shut_out[lifecycle.state]
}

else := {}

# `findings` are posture codes that the request tolerates, `notes` the allow reasons that apply.
allowance(findings, notes, obligations) := {
	"allow": true,
	"reason": reason,
	"findings": array.concat(ordered(findings), [note | some note in told_notes(notes); note != reason]),
	"obligations": obligations,
} if {
	reason := allow_reason(notes)
}

told_notes(notes) := [note | some note in data.site.allow_order; note in notes]

allow_reason(notes) := array.concat(told_notes(notes), ["ok"])[0]

# INVARIANT: an allow needs an empty set of codes. Where the codes themselves are undefined nothing is proven.
unjudged := {"allow": false, "reason": "facts_invalid", "findings": [], "obligations": {}}
