# connect: may this device have a session, and until when. Its will is judged here as a publish.
package sallyport.authz.connect

import data.sallyport.authz.answer
import data.sallyport.authz.attestation
import data.sallyport.authz.credential
import data.sallyport.authz.lifecycle
import data.sallyport.authz.load
import data.sallyport.authz.place
import data.sallyport.authz.posture
import data.sallyport.authz.publish
import data.sallyport.authz.session
import data.sallyport.authz.subject
import data.sallyport.authz.verdict
import data.sallyport.lib.reasons
import data.sallyport.profiles.gateway_mediated
import data.sallyport.profiles.safety_segmented

decision := verdict.denial(codes, told) if count(codes) > 0

else := verdict.allowance(findings, notes, session.duties) if {
	codes == set()
}

else := verdict.unjudged

# A subject that cannot be judged has no posture.
told := set() if reasons.blinding(subject.failing)

else := findings

codes := subject.failing if reasons.blinding(subject.failing)

else := gates | will_codes

# The device gates of a session, shared with `sallyport/grants`.
gates := union({
	subject.failing,
	credential.failing,
	place.failing,
	gateway_mediated.failing,
	load.stale,
	load.failing,
	posture.exceeding(findings, data.site.tolerates.connect),
	failing,
})

findings := posture.findings(true) if attestation.required

else := posture.findings(false)

notes := answer.notes(findings) | clock

clock := {"ok_clock_skew"} if session.skewed

else := set()

failing contains "claim_spent" if {
	credential.claim
	not credential.unspent
}

failing contains "credential_expired" if {
	not credential.valid
	not credential.renewing
}

failing contains lifecycle.denial if not admissible

failing contains "facts_invalid" if not lifecycle.state

failing contains "zone_not_allowed" if not safety_segmented.entered

failing contains "credential_usage_mismatch" if not safety_segmented.matching_usage

failing contains "gateway_capacity_exceeded" if gateway_mediated.full

admissible if lifecycle.state == "active"

admissible if lifecycle.channel.connect == "any"

admissible if {
	lifecycle.channel.connect == "claim"
	credential.claim
}

# A will is a publish that fires later: its topic, stream, qos and retain must pass now.
will_codes := set() if input.request.will == null

else := publish.message_codes(input.request.will.topic, input.request.will.qos, input.request.will.retain)
