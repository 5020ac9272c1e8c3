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

# --- the filter: of its own tenant, below one device or all, literal at the stream --------------------------------
asked if not input.request.filter == null

filter := topics.unshared(input.request.filter)

levels := topics.filter_levels(filter)

template := split(data.site.consumers.topic, "/")

tenant_level := [i | some i, part in template; part == "{tenant}"][0]

device_level := [i | some i, part in template; part == "{device}"][0]

stream_level := [i | some i, part in template; part == "{stream}"][0]

# What stands before the device's level, the reader's own tenant filled in.
head := [part |
	some i, literal in template
	i < device_level
	part := filled(i, literal)
]

filled(i, literal) := literal if i != tenant_level

filled(i, _) := input.actor.tenant if i == tenant_level

in_scope if array.slice(levels, 0, device_level) == head

# A filter that ends before the stream reaches every stream: no role reads that.
default stream := "#"

stream := levels[stream_level]

readable := {name |
	some role in input.actor.roles
	some name in data.site.consumers.roles[role]
}

may_read if stream in readable

well_formed if is_array(levels)

own_tenant if levels[tenant_level] == input.actor.tenant

wide if {
	some i, level in levels
	i < device_level
	level in {"+", "#"}
}

filter_codes contains "topic_invalid" if {
	asked
	not well_formed
}

filter_codes contains "topic_reserved" if startswith(filter, "$")

filter_codes contains "topic_wildcard_too_broad" if wide

filter_codes contains "tenant_mismatch" if {
	well_formed
	not wide
	not own_tenant
}

filter_codes contains "topic_out_of_scope" if {
	well_formed
	not wide
	own_tenant
	not in_scope
}

filter_codes contains "role_missing" if {
	in_scope
	not may_read
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
	asked
	stream in data.site.high_sensitivity.publish
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
	grant := {
		"action": "subscribe",
		"effect": "allow",
		"filter": concat("/", array.concat(head, ["+", name, "#"])),
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
