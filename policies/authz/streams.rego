# The gates that ask which stream is meant, as functions of action and stream, so that one topic, one filter, a
# will and a whole grant list are judged by the same lines. Each answers a set of codes, empty when it passes.
# The arguments are always defined; what is negated are argument-free rules or functions of these two alone.
package sallyport.authz.streams

import data.sallyport.authz.attestation
import data.sallyport.authz.credential
import data.sallyport.authz.lifecycle
import data.sallyport.authz.load
import data.sallyport.authz.place
import data.sallyport.authz.posture
import data.sallyport.lib.facts
import data.sallyport.profiles.gateway_mediated
import data.sallyport.profiles.safety_segmented
import data.sallyport.profiles.shared_credential

codes(action, stream) := union({
	lapsed(action, stream),
	closed(action, stream),
	unregulated(action, stream),
	nonexistent(action, stream),
	misrouted(stream),
	mistrusted(action, stream),
	unfit(action, stream),
	stale(action, stream),
	shed(stream),
})

# Outside the device's own topics there is no stream to ask about; what stands whatever the stream still does.
unscoped(action) := codes(action, "") - {"topic_stream_not_allowed", "zone_not_allowed"}

# An expired credential inside its renewal grace opens the renewal channel only.
lapsed(action, stream) := set() if current(action, stream)

else := {"credential_expired"}

current(_, _) if credential.valid

current(action, stream) if {
	credential.renewing
	stream in data.site.renewal[action]
}

closed(action, stream) := set() if open(action, stream)

else := {lifecycle.denial} if {
	lifecycle.denial
}

else := {"facts_invalid"}

open(_, _) if lifecycle.state == "active"

open(action, stream) if {
	stream in lifecycle.channel[action]
	usable_by_credential
	beneath(action, stream)
}

# The provisioning channel is for the claim, every other one for operational credentials.
usable_by_credential if lifecycle.channel.connect == "any"

usable_by_credential if {
	lifecycle.channel.connect == "claim"
	credential.claim
}

# INV-03: a quarantine opens nothing that was closed before, but its recovery stream.
beneath("publish", stream) if stream in lifecycle.unquarantined_publish

beneath("publish", _) if not lifecycle.unquarantined_publish

beneath("subscribe", stream) if stream in lifecycle.unquarantined_subscribe

beneath("subscribe", _) if not lifecycle.unquarantined_subscribe

beneath(_, stream) if stream in data.site.recovery_streams

unregulated(action, stream) := {"residency_violation"} if {
	action == "publish"
	stream in data.site.regulated_streams
	not place.resident
}

else := set()

nonexistent(action, stream) := set() if exists(action, stream)

else := {"topic_stream_not_allowed"}

exists(action, stream) if {
	shared_credential.has(action, stream)
	apt(action, stream)
}

# The recovery stream exists for devices that are not well (INV-03, FACTS lifecycle "active, restricted").
apt(_, stream) if not stream in data.site.recovery_streams

apt(_, _) if lifecycle.state != "active"

apt("publish", _) if posture.restricted

misrouted(stream) := set() if safety_segmented.routed(stream)

else := {"zone_not_allowed"}

# A degraded gateway carries what a degraded device may send.
mistrusted(action, stream) := {"gateway_degraded"} if {
	gateway_mediated.degraded
	not tolerant(action, stream)
}

else := set()

tolerant(action, stream) if data.site.tolerates[action][stream] >= 1

unfit(action, stream) := posture.exceeding(findings(action, stream), tolerated) if {
	tolerated := data.site.tolerates[action][stream]
}

else := posture.exceeding(findings(action, stream), 0)

findings(action, stream) := posture.findings(true) if demanded(action, stream)

else := posture.findings(false)

demanded(_, _) if attestation.required

# A tenant may ask for evidence where its site calls a stream for it.
demanded("publish", stream) if {
	stream in data.site.evidence_streams
	not unconditional
	facts.profile.attestation != "off"
}

unconditional if input.tenant.attestation_for_hv == false

stale(action, stream) := load.sensitive_stale if stream in data.site.high_sensitivity[action]

else := load.stale

shed(stream) := set() if stream in data.site.never_shed

else := load.failing

# What an attached client that reaches no node may go on with: what the site grants, while facts are fresh, and never
# what is sensitive.
unheard(action, stream) := {"fail_static_s": granted} if {
	facts.fresh
	granted := data.site.fail_static_s[action]
	granted > 0
	sensitive := data.site.high_sensitivity[action]
	not stream in sensitive
}

else := {}
