# From what failed and what was noted to one answer: one reason, the rest as findings in gate order (FACTS, rule 3),
# and the obligations that a denial carries by its reason.
package sallyport.authz.verdict

import data.sallyport.authz.lifecycle
import data.sallyport.lib.obligations
import data.sallyport.lib.reasons

# `found` are posture codes that the request would have tolerated: they are told as well.
denial(codes, found) := {
	"allow": false,
	"reason": reason,
	"findings": reasons.others(codes | found, reason),
	"obligations": object.union_n([obligations.of_denial(reason), obligations.retry(reason), shut_out(reason)]),
} if {
	reason := reasons.first(codes)
}

# A state that leaves no channel closes the sessions too.
shut_out(reason) := data.site.on_shut_out[lifecycle.state] if {
	reason == lifecycle.denial
	data.site.on_shut_out[lifecycle.state]
}

else := {}

# `findings` are posture codes that the request tolerates, `notes` the allow reasons that apply.
allowance(findings, notes, duties) := {
	"allow": true,
	"reason": reason,
	"findings": array.concat(reasons.ordered(findings), [note | some note in reasons.noted(notes); note != reason]),
	"obligations": duties,
} if {
	reason := reasons.allowing(notes)
}

# INVARIANT: an allow needs an empty set of codes. Where the codes themselves are undefined nothing is proven.
unjudged := {"allow": false, "reason": "facts_invalid", "findings": [], "obligations": {}}
