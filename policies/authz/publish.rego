# publish: may this device publish on this topic now. `straight` is a device with nothing to say against it on a
# topic of its own, answered at once; everything else is explained. A law holds that both agree.
package sallyport.authz.publish

import data.sallyport.authz.answer
import data.sallyport.authz.credential
import data.sallyport.authz.lifecycle
import data.sallyport.authz.load
import data.sallyport.authz.place
import data.sallyport.authz.posture
import data.sallyport.authz.streams
import data.sallyport.authz.subject
import data.sallyport.authz.verdict
import data.sallyport.lib.facts
import data.sallyport.lib.reasons
import data.sallyport.lib.templates
import data.sallyport.lib.time
import data.sallyport.lib.topics
import data.sallyport.profiles.gateway_mediated
import data.sallyport.profiles.safety_segmented
import data.sallyport.profiles.shared_credential

decision := {"allow": true, "reason": "ok", "findings": [], "obligations": plain_duties} if straight

else := explained

# Sufficient for a plain `ok`, not necessary: whatever is not plain is explained below.
straight if {
	subject.sound
	credential.sound
	lifecycle.settled
	placed
	request := input.request
	not contains(request.topic, "+")
	not contains(request.topic, "#")
	not contains(request.topic, "\u0000")
	stream in facts.class.publish
	not stream in data.site.recovery_streams
	shared_credential.published(stream)
	shared_credential.in_plane(stream)
	is_number(request.qos)
	request.qos <= facts.profile.max_qos
	request.retain == false
	safety_segmented.routed(stream)
	safety_segmented.matching_usage
	posture.sound
	sensitive_sound
	timely
	facts.fresh
	load.open
}

# A plain `ok` carries nothing but what its profile always asks and its site grants.
plain_duties := object.union(audit, unheard)

unheard := granted if granted := streams.unheard("publish", stream)

else := {}

audit := {"audit": "full"} if facts.profile.audit == "full"

else := {}

placed if place.sound

placed if {
	place.at_home
	gateway_mediated.sound
}

# Streams for which the tenant may ask for evidence, and those that residency binds.
sensitive_sound if ordinary

sensitive_sound if {
	place.resident
	input.tenant.attestation_for_hv == false
}

ordinary if {
	not stream in data.site.regulated_streams
	not stream in data.site.evidence_streams
}

timely if {
	age := time.age
	age >= data.site.clock_ahead_s
	age <= data.site.backfill_after_s
	age <= facts.profile.backlog_max_s
}

explained := verdict.denial(codes, told) if count(codes) > 0

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
	message_codes(input.request.topic, input.request.qos, input.request.retain),
	timing,
})

early := subject.failing | malformed

malformed contains "bad_request" if not addressed

addressed if is_string(input.request.topic)

stream := templates.published(input.request.topic)

findings := of_stream if of_stream := streams.findings("publish", stream)

else := streams.findings("publish", "")

notes := answer.notes(findings) | backfilled

backfilled := {"ok_backfill"} if late

else := set()

obligations := object.union(answer.duties, {"route": "backfill"}) if late

else := object.union(answer.duties, unheard)

# Topic, stream, qos and retain of a message, now or in a will.
message_codes(topic, qos, retain) := union({
	name_codes(topic),
	reserved_codes(topic),
	scope_codes(topic),
	delivery_codes(topic, qos, retain),
	usage,
})

name_codes(topic) := set() if topics.name(topic)

else := {"topic_invalid"}

# What begins with `$` is the broker's, but where a template of the site names it.
reserved_codes(topic) := {"topic_reserved"} if {
	startswith(topic, "$")
	not templates.published(topic)
}

else := set()

# Where no template fits no stream is asked; what does not depend on one still is.
scope_codes(topic) := streams.codes("publish", of) if of := templates.published(topic)

else := {"topic_out_of_scope"} | streams.unscoped("publish")

delivery_codes(topic, qos, retain) := set() if {
	qos - facts.profile.max_qos <= 0
	retainable(topic, retain)
}

else := {"qos_not_allowed"}

# A retained message outlives its sender's trust: only where data says so (reason qos_not_allowed, as any
# delivery that is not granted).
retainable(_, false)

retainable(topic, true) if templates.published(topic) in facts.profile.retain_streams

usage := set() if safety_segmented.matching_usage

else := {"credential_usage_mismatch"}

# Message time (FACTS, missing on the wire: without one it is server time).
timing contains "clock_skew_exceeded" if not plausible

timing contains "message_too_old" if not recent

untimed if input.request.occurred_at == null

plausible if untimed

plausible if time.age >= data.site.clock_ahead_s

recent if untimed

recent if time.age <= facts.profile.backlog_max_s

late if time.age > data.site.backfill_after_s
