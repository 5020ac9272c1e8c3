# cuts: every offset at which an answer can change with the clock, per security model and kind (DESIGN, "Time by
# cuts"). `time`: the answer may change when `now` reaches fact + at. `lag`, `age`, `skew`: when that difference
# reaches the number. Sound and minimal: a law evaluates around every cut and drops each. `*` is for no known model.
package sallyport.authz.cuts

import data.sallyport.updates.cuts as updates

cuts[model] := kinds(profile) if some model, profile in data.site.profiles

cuts["*"] := {kind: {"time": [], "lag": [data.site.unmodelled.facts_soft_s + 1]} |
	some kind in ["connect", "publish", "subscribe", "command", "ota", "grants", "consume"]
}

kinds(profile) := {
	"connect": {"time": present(session_facts(profile)), "lag": lag(profile), "skew": skew},
	"publish": {"time": present(publish_facts(profile)), "lag": lag(profile), "age": age(profile)},
	"subscribe": {"time": present(subscribe_facts(profile)), "lag": lag(profile)},
	"command": {"time": present(command_facts(profile)), "lag": lag(profile)},
	"ota": updates.of(profile),
	"grants": {"time": present(session_facts(profile)), "lag": lag(profile), "skew": skew},
	"consume": {"time": present({"credential.not_before": {0}, "credential.not_after": {0}}), "lag": lag(profile)},
}

# As a list in a fixed order, without facts that give no cut.
present(facts) := [{"fact": fact, "at": sort(ats)} |
	some fact in sort(object.keys(facts))
	ats := facts[fact]
	count(ats) > 0
]

lag(profile) := [profile.facts_soft_s + 1, profile.facts_hard_s + 1]

skew := [data.site.clock_ahead_s, data.site.clock_skew_s + 1]

age(profile) := [data.site.clock_ahead_s, data.site.backfill_after_s + 1, profile.backlog_max_s + 1]

# The device's own record, whoever asks.
device_facts(profile) := {
	"device.state.last_seen_at": {profile.dormancy_s},
	"device.state.signals.*.expires_at": {0},
	"device.support.support_ends_at": {0},
	"device.support.eol_at": {0, profile.eol_grace_s},
	"device.compliance.exception.expires_at": {0},
	"fw_policy.patched_deadline": {0},
	"device.credentials.*.bound_at": {0},
}

# Evidence restores trust in every model and is asked for in some.
evidence_facts(_, false) := {"device.attestation.appraised_at": {0}}

evidence_facts(profile, true) := {
	"device.attestation.appraised_at": {
		0,
		profile.attestation_max_age_s,
		profile.attestation_max_age_s + profile.attestation_grace_s,
	},
	"device.attestation.expires_at": {0, profile.attestation_grace_s},
}

demanded(profile) if profile.attestation == "required"

demanded(profile) if profile.gateway_attestation == "required"

evidence(profile) := evidence_facts(profile, true) if demanded(profile)

else := evidence_facts(profile, false)

credential_facts(profile) := {
	"credential.not_before": {0},
	"credential.not_after": {0, profile.renewal_grace_s},
	"device.credentials.*.bound_at": {0, profile.credential_inactivity_s},
	"device.credentials.*.last_used_at": {profile.credential_inactivity_s},
}

gateway_facts(profile) := {
	"gateway.support.support_ends_at": {0},
	"gateway.support.eol_at": {0},
	"gateway.attestation.appraised_at": {0, profile.gateway_attestation_max_age_s},
	"gateway.attestation.expires_at": {0},
	"gateway.state.signals.*.expires_at": {0},
	"gateway.compliance.exception.expires_at": {0},
	"gateway_fw_policy.patched_deadline": {0},
	"gateway_credential.not_before": {0},
	"gateway_credential.not_after": {0},
	"gateway.credentials.*.bound_at": {0, profile.credential_inactivity_s},
	"gateway.credentials.*.last_used_at": {profile.credential_inactivity_s},
}

subscribe_facts(profile) := object.union_n([
	device_facts(profile),
	evidence(profile),
	credential_facts(profile),
	gateway_facts(profile),
])

# hv may ask for evidence where the model does not.
publish_facts(profile) := object.union(subscribe_facts(profile), evidence_facts(profile, profile.attestation != "off"))

# A will on hv as well; and rotation is announced.
session_facts(profile) := object.union(
	publish_facts(profile),
	{"credential.not_after": {0 - profile.rotate_before_s, 0, profile.renewal_grace_s}},
)

command_facts(profile) := object.union_n([
	device_facts(profile),
	evidence(profile),
	{
		"tenant.support_access_until": {0},
		"break_glass.started_at": {0},
		"break_glass.expires_at": {0},
	},
	approval_facts(profile),
])

approval_facts(profile) := {} if profile.no_commands

else := {"approvals.*.expires_at": {0}}
