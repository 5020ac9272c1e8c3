# subscribe: may this device receive what this filter can match. The filter must be contained in a grant: literal
# down to the stream, of its own subtree or of its class's broadcast; below the stream it is free.
package sallyport.authz.subscribe

import data.sallyport.authz.answer
import data.sallyport.authz.credential
import data.sallyport.authz.place
import data.sallyport.authz.streams
import data.sallyport.authz.subject
import data.sallyport.authz.verdict
import data.sallyport.lib.facts
import data.sallyport.lib.topics
import data.sallyport.profiles.gateway_mediated
import data.sallyport.profiles.safety_segmented

decision := verdict.denial(codes, told) if count(codes) > 0

else := verdict.allowance(findings, notes, obligations) if {
	codes == set()
}

else := verdict.unjudged

# A subject that cannot be judged has no posture.
told := set() if verdict.blinding(early)

else := findings

codes := early if verdict.blinding(early)

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

stream := levels[data.site.topics.stream_level] if in_scope

stream_codes := streams.codes("subscribe", stream) if in_scope

else := streams.unscoped("subscribe")

findings := streams.findings("subscribe", stream)

notes := answer.notes(findings)

obligations := object.union_n([{"max_qos": facts.profile.max_qos}, rechecked, answer.duties])

rechecked := {"recheck_after_s": facts.profile.recheck_s} if facts.profile.recheck_s

else := {}

well_formed if is_array(levels)

# Wildcards before or at the stream reach beyond the device's own.
wide if {
	some i, level in levels
	i <= data.site.topics.stream_level
	level in {"+", "#"}
}

in_scope if topics.stream_below(topics.own_prefix, filter)

in_scope if topics.stream_below(topics.class_prefix, filter)

failing contains "credential_usage_mismatch" if not safety_segmented.matching_usage

filter_codes contains "topic_invalid" if not well_formed

filter_codes contains "topic_reserved" if startswith(filter, "$")

filter_codes contains "topic_wildcard_too_broad" if wide

filter_codes contains "topic_out_of_scope" if {
	well_formed
	not wide
	not in_scope
}
