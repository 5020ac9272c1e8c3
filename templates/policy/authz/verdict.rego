# From the codes of all gates to one answer: the first in data.site.order is the reason, the others are findings.
package sallyport.authz.verdict

answer(codes, obligations) := {"allow": true, "reason": "ok", "findings": [], "obligations": obligations} if {
	count(codes) == 0
}

else := {"allow": false, "reason": reason, "findings": findings, "obligations": {}} if {
	ordered := [code | some code in data.site.order; code in codes]
	reason := ordered[0]
	findings := array.slice(ordered, 1, count(ordered))
}

# A code without a place in the order still denies.
else := {"allow": false, "reason": "facts_invalid", "findings": [], "obligations": {}}
