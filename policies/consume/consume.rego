# consume: may this back-end receive what this filter can match. A back-end is a `service` record with roles; each role
# reads streams (data.site.consumers.roles). Without a filter the question is whether it may be on the broker at all.
package sallyport.readers

import data.sallyport.authz.actor
import data.sallyport.authz.verdict
import data.sallyport.lib.facts
import data.sallyport.lib.reasons
import data.sallyport.lib.topics

decision := object.union(verdict_of_filter, {"grants": grants})

verdict_of_filter := verdict.denial(codes, set()) if count(codes) > 0

else := verdict.allowance([], notes, obligations) if {
	codes == set()
}

else := verdict.unjudged

codes := standing if reasons.blinding(standing)

else := union({standing, credential, duty, filter_codes, stale})

# --- the filter (reach.rego) ----------------------------------------------------------------------------------------
asked if not input.request.filter == null

filter := topics.unshared(input.request.filter)

levels := topics.filter_levels(filter)

well_formed if is_array(levels)

reached := forms_met(levels)

readable := {name |
	some role in input.actor.roles
	some name in data.site.consumers.roles[role]
}

filter_codes contains "topic_invalid" if {
	asked
	not well_formed
}

filter_codes contains "topic_reserved" if startswith(filter, "$")

filter_codes contains "topic_wildcard_too_broad" if {
	well_formed
	not narrow(levels)
}

filter_codes contains "tenant_mismatch" if {
	narrow(levels)
	not of_tenant(levels)
}

filter_codes contains "topic_out_of_scope" if {
	narrow(levels)
	count(reached) == 0
}

filter_codes contains "role_missing" if {
	narrow(levels)
	of_tenant(levels)
	not of_role(levels)
}

# Without a filter any role is a reason to be there: one that only sends commands reads nothing.
filter_codes contains "role_missing" if {
	not asked
	not employed
}

employed if count(input.actor.roles) > 0

duty contains "duty_conflict" if not actor.dutiful

# --- freshness: what is sensitive to publish is sensitive to read ---------------------------------------------------
stale contains "facts_stale" if not facts.usable

stale contains "facts_stale" if {
	some form in reached
	stream_of(form, levels) in data.site.high_sensitivity.publish
	not facts.fresh
}

notes contains "ok_stale_facts" if not facts.fresh

# --- what an allow asks ---------------------------------------------------------------------------------------------
obligations := object.union_n([kept, {"max_qos": data.site.consumers.max_qos}, rechecked])

kept := {} if asked

else := {"session": {"max_s": data.site.consumers.session_s, "until": input.credential.not_after}}

rechecked := {"recheck_after_s": data.site.stale.recheck_s} if not facts.fresh

else := {}

# --- the list for brokers that want one at connect: a filter passes its check if and only if this list contains it --
default grants := []

grants := [grant |
	some name in sort(readable)
	listable(name)
	some form in forms
	filter_levels := widest(form, name)
	of_role(filter_levels)
	grant := {
		"action": "subscribe",
		"effect": "allow",
		"filter": concat("/", filter_levels),
		"max_qos": data.site.consumers.max_qos,
		"retain": false,
		"reason": reasons.allowing(notes),
	}
] if {
	not asked
	codes == set()
}

listable(name) if not name in data.site.high_sensitivity.publish

listable(_) if facts.fresh
