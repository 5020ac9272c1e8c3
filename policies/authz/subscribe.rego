# subscribe: may this device receive what this filter can match. The filter must be contained in one of the site's
# templates: literal where the template is, of one stream, free where it leaves free.
package sallyport.authz.subscribe

import data.sallyport.authz.answer
import data.sallyport.authz.credential
import data.sallyport.authz.place
import data.sallyport.authz.streams
import data.sallyport.authz.subject
import data.sallyport.authz.verdict
import data.sallyport.lib.facts
import data.sallyport.lib.reasons
import data.sallyport.lib.templates
import data.sallyport.lib.topics
import data.sallyport.profiles.gateway_mediated
import data.sallyport.profiles.safety_segmented

decision := verdict.denial(codes, told) if count(codes) > 0

else := verdict.allowance(findings, notes, obligations) if {
	codes == set()
}

else := verdict.unjudged

# A subject that cannot be judged has no posture.
told := set() if reasons.blinding(early)

else := findings

codes := early if reasons.blinding(early)

else := union({
	early,
	credential.failing,
	place.failing,
	gateway_mediated.failing,
	filter_codes,
	failing,
	stream_codes,
})

early := subject.failing | malformed

malformed contains "bad_request" if not addressed

addressed if is_string(input.request.filter)

filter := topics.unshared(input.request.filter)

levels := topics.filter_levels(filter)

default stream := ""

stream := found if found := templates.subscribed(filter)

stream_codes := streams.codes("subscribe", stream) if in_scope

else := streams.unscoped("subscribe")

findings := streams.findings("subscribe", stream)

notes := answer.notes(findings)

obligations := object.union_n([{"max_qos": facts.profile.max_qos}, rechecked, answer.duties, unheard])

unheard := streams.unheard("subscribe", stream)

rechecked := {"recheck_after_s": facts.profile.recheck_s} if facts.profile.recheck_s

else := {}

well_formed if is_array(levels)

# Wildcards where templates have a literal or a variable reach beyond what is the device's.
wide if {
	not in_scope
	some i, level in levels
	i < templates.depth
	level in {"+", "#"}
}

in_scope if templates.subscribed(filter)

failing contains "credential_usage_mismatch" if not safety_segmented.matching_usage

filter_codes contains "topic_invalid" if not well_formed

filter_codes contains "topic_reserved" if {
	startswith(filter, "$")
	not in_scope
}

filter_codes contains "topic_wildcard_too_broad" if wide

filter_codes contains "topic_out_of_scope" if {
	well_formed
	not wide
	not in_scope
}
