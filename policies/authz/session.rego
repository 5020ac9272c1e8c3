# What a session is worth (FACTS, session): at most `max_s`, and never past `until`, the first end among the
# facts that justify it. Absolute times and constants only: answers are cached, the host renders seconds.
package sallyport.authz.session

import data.sallyport.authz.attestation
import data.sallyport.authz.credential
import data.sallyport.authz.lifecycle
import data.sallyport.authz.posture
import data.sallyport.authz.streams
import data.sallyport.lib.facts
import data.sallyport.lib.obligations
import data.sallyport.lib.templates
import data.sallyport.lib.time
import data.sallyport.profiles.gateway_mediated

duties := object.union_n([standing, due, dated])

# Always there.
standing := {
	"session": obligations.session(caps, ends),
	"max_qos": facts.profile.max_qos,
	"rate_class": rate_class,
}

caps contains facts.profile.session_ttl_s

caps contains lifecycle.channel.session_s if lifecycle.state != "active"

caps contains data.site.renewal.session_s if credential.renewing

caps contains data.site.restricted.session_s if posture.restricted

caps contains data.site.stale.session_s if not facts.fresh

# Rule 7: a session never outlives a fact that justified it.
ends contains input.credential.not_after if credential.valid

ends contains input.credential.not_after + facts.profile.renewal_grace_s if credential.renewing

ends contains max([facts.entry.last_used_at, facts.entry.bound_at]) + facts.profile.credential_inactivity_s

ends contains attestation.ends_at if {
	attestation.required
	attestation.fresh
}

ends contains attestation.grace_ends_at if {
	attestation.required
	attestation.in_grace
}

ends contains input.device.support.support_ends_at if posture.supported

ends contains input.device.support.eol_at if lifecycle.supported

ends contains input.device.support.eol_at + facts.profile.eol_grace_s if not lifecycle.supported

ends contains input.fw_policy.patched_deadline if patch_due

ends contains input.device.compliance.exception.expires_at if {
	not posture.compliant
	posture.waived
}

ends contains end if {
	gateway_mediated.served
	some end in gateway_mediated.ends
}

# A will is a publish that fires later: it must be allowed for as long as the session may last.
ends contains end if {
	willed
	some end in will_ends
}

willed if is_object(input.request.will)

will_stream := templates.published(input.request.will.topic)

# What its stream alone asks evidence for.
will_ends contains attestation.ends_at if {
	streams.demanded("publish", will_stream)
	attestation.fresh
}

# A dormant device has fewer streams.
will_ends contains input.device.state.last_seen_at + facts.profile.dormancy_s if lifecycle.awake

# The recovery stream closes with what opened it: a signal that lapses, evidence or a key whose time comes.
will_ends contains turn if {
	will_stream in data.site.recovery_streams
	some turn in turns
	time.ahead(turn)
}

turns contains input.device.attestation.appraised_at

turns contains facts.entry.bound_at

turns contains signal.expires_at if some signal in input.device.state.signals

patch_due if {
	not posture.patched
	posture.firmware_known
	posture.in_patch_window
}

rate_class := lifecycle.channel.rate_class if lifecycle.channel.rate_class

else := data.site.renewal.rate_class if {
	credential.renewing
}

else := facts.profile.rate_class if {
	facts.profile.unique_credential == false
}

else := "degraded" if {
	count(posture.standing) > 0
}

else := "degraded" if {
	gateway_mediated.degraded
}

else := facts.class.rate_class if {
	facts.class.rate_class
	facts.profile.rate_class == "standard"
}

else := facts.profile.rate_class

# Constants that the state or the profile asks for.
due["recheck_after_s"] := data.site.stale.recheck_s if not facts.fresh

due["recheck_after_s"] := facts.profile.recheck_s if {
	facts.fresh
	facts.profile.recheck_s
}

due["audit"] := "full" if facts.profile.audit == "full"

due["audit"] := "full" if lifecycle.channel.audit == "full"

due["mark_reentry"] if lifecycle.reentry_to_mark

due["consume_claim"] if credential.claim

due["resync_clock"] if skewed

due["rotate_within_s"] := data.site.renewal.rotate_s if credential.renewing

due["reattest_within_s"] := lifecycle.channel.reattest_s if lifecycle.channel.reattest_s

due["reattest_within_s"] := data.site.restricted.reattest_s if {
	not lifecycle.channel.reattest_s
	evidence_missing
}

# Absolute times.
dated["rotate_credential_by"] := input.credential.not_after if {
	credential.valid
	time.reached(input.credential.not_after, 0 - facts.profile.rotate_before_s)
}

dated["reattest_by"] := attestation.ends_at if {
	not due.reattest_within_s
	attestation.required
	attestation.fresh
}

dated["reattest_by"] := attestation.grace_ends_at if {
	not due.reattest_within_s
	attestation.required
	attestation.in_grace
}

dated["update_by"] := input.fw_policy.patched_deadline if patch_due

evidence_missing if {
	attestation.required
	not attestation.fresh
	not attestation.in_grace
}

skewed if time.skew > data.site.clock_skew_s

skewed if time.skew < data.site.clock_ahead_s
