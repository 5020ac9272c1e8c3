# grants: everything a session may publish and subscribe to, for brokers that want a list at connect. Law: a live
# message or a filter passes its single check if and only if this list contains it.
package sallyport.authz.grants

import data.sallyport.authz.answer
import data.sallyport.authz.connect
import data.sallyport.authz.credential
import data.sallyport.authz.place
import data.sallyport.authz.publish
import data.sallyport.authz.session
import data.sallyport.authz.streams
import data.sallyport.authz.subject
import data.sallyport.authz.verdict
import data.sallyport.lib.facts
import data.sallyport.lib.reasons
import data.sallyport.lib.templates
import data.sallyport.profiles.gateway_mediated

# `allow` is the session's; a list beside a denial (load, a full gateway) says what a session already there may do.
decision := object.union(verdict_of_session, {"grants": grants})

verdict_of_session := verdict.denial(codes, connect.told) if count(codes) > 0

else := verdict.allowance(connect.findings, connect.notes, obligations) if {
	codes == set()
}

else := verdict.unjudged

# A claim is spent once, at connect: neither asked nor spent again here.
codes := subject.failing if reasons.blinding(subject.failing)

else := connect.gates - {"claim_spent"}

obligations := object.remove(session.duties, ["consume_claim"])

# What no stream can pass.
barred := union({
	subject.failing,
	credential.failing,
	place.failing,
	gateway_mediated.failing,
	publish.usage,
})

default grants := []

grants := array.concat(listed("publish", templates.publications), listed("subscribe", templates.subscriptions)) if barred == set()

listed(action, forms) := [entry(action, stream, filter) |
	some form in forms
	some stream in facts.class[action]
	granted(action, stream)
	some filter in templates.filters(form, stream)
]

granted(action, stream) if streams.codes(action, stream) == set()

entry(action, stream, filter) := {
	"action": action,
	"effect": "allow",
	"filter": filter,
	"max_qos": facts.profile.max_qos,
	"retain": retained(action, stream),
	"reason": reasons.allowing(answer.notes(streams.findings(action, stream))),
}

retained("publish", stream) := stream in facts.profile.retain_streams

retained("subscribe", _) := false
