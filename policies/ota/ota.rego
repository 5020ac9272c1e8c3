# ota: may this device take this release now (FACTS, "OTA"). The OTA service asks, the device presents nothing: its
# registered active credential stands for it. Gates in order; the first code that stands is the reason. The files
# beside this one hold the gates in the order in which they are asked.
package sallyport.updates

import data.sallyport.authz.load
import data.sallyport.authz.subject
import data.sallyport.authz.verdict
import data.sallyport.lib.facts
import data.sallyport.lib.reasons

decision := denied if count(codes) > 0

else := allowed if {
	codes == set()
}

else := verdict.unjudged

codes := early if reasons.blinding(early)

else := union({early, identity, standing, provenance, answered, load.sensitive_stale})

# A device that nobody knows has no credential to miss.
early := (subject.failing | elsewhere) - {"credential_missing"} if input.device == null

else := subject.failing | elsewhere

# A release is built for one environment (INV-07).
elsewhere contains "environment_mismatch" if {
	offered
	not at_home
}

at_home if input.release.env == input.request.env

offered if is_object(input.release)

rolling if is_object(input.rollout)

# What can only be asked where there is a release, and a rollout that offers it.
answered := union({rollout_state, targeting, version, rings, readiness}) if {
	offered
	rolling
}

else := {"ota_no_release"} if {
	not offered
}

else := {"ota_rollout_not_running"}

kind := input.release.kind

# FACTS: urgency bypasses ring opening, bake, missing samples, bucket and window, and nothing else.
urgent if kind in data.site.ota.urgent

denied := object.union(said, {"obligations": object.union(said.obligations, later(said.reason))}) if {
	said := verdict.denial(codes, set())
}

# When a gate that waits for the clock will have waited; where that is not known, an hour.
later("ota_gate_baking") := {"retry_at": baked_at} if time_ahead(baked_at)

else := {"retry_after_s": data.site.ota.retry_s}

later("ota_ring_not_open") := {"retry_at": opens_at} if time_ahead(opens_at)

else := {"retry_after_s": data.site.ota.retry_s}

later("ota_outside_window") := {"retry_at": window_opens_at} if window_opens_at

else := {"retry_after_s": data.site.ota.retry_s}

later(reason) := {} if not reason in {"ota_gate_baking", "ota_ring_not_open", "ota_outside_window"}

allowed := {
	"allow": true,
	"reason": allow_reason,
	"findings": [],
	"obligations": object.union_n([{"artifact": artifact, "expires_at": input.release.manifest.expires_at}, resumed, audited]),
}

allow_reason := "ota_eligible_remediation" if kind == "remediation"

else := "ota_eligible_rollback" if {
	kind == "rollback"
}

else := "ota_eligible"

artifact := "delta" if {
	input.release.delta_from_key > 0
	input.device.firmware.key == input.release.delta_from_key
}

else := "full"

resumed := {"resume": true} if input.device.ota.in_progress == input.release.id

else := {}

audited := {"audit": "full"} if facts.profile.audit == "full"

else := {}
