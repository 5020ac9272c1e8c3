# The policy data is complete and consistent: what the rules look up is there.
package sallyport.data_test

identity := [
	"trust_domain_unknown", "trust_domain_mismatch", "environment_mismatch", "tenant_mismatch",
	"credential_missing", "actor_missing", "credential_binding_mismatch", "credential_revoked",
	"credential_usage_mismatch", "claim_not_allowed", "claim_out_of_scope", "claim_spent", "device_retired",
]

# INV-12: an identity denial that never heals raises an alert or is listed as silent.
test_identity_denials_alert if {
	mute := [code |
		some code in identity
		not code in data.site.silent
		not data.site.on_deny[code].alert
	]
	mute == []
}

# INV-12: what is transient never disconnects.
test_backoff_never_disconnects if {
	backoff := {"facts_not_ready", "facts_stale", "tenant_quota_exceeded", "credential_not_yet_valid", "gateway_capacity_exceeded", "admission_shed"}
	wrong := [code | some code in backoff; data.site.on_deny[code].disconnect]
	wrong == []
}

# Every posture finding, state denial and constant has its place in the gate order.
test_gate_order_is_complete if {
	codes := object.keys(data.site.posture) | object.keys(data.site.on_deny)
	states := {channel.deny | some channel in data.site.channels}
	misplaced := ((codes | states) | {code | some code in data.site.absences}) - {code | some code in data.site.gate_order}
	misplaced == set()
	count(data.site.gate_order) == count({code | some code in data.site.gate_order})
}

test_allow_order_is_complete if {
	missing := {channel.reason | some channel in data.site.channels} - {code | some code in data.site.allow_order}
	missing == set()
}

# Posture codes stand in the gate order as they are reported: worst first, but for the one with a grace.
test_posture_order if {
	levels := [data.site.posture[code] | some code in data.site.gate_order; data.site.posture[code]]
	levels == array.reverse(sort(levels))
}

test_every_stream_has_a_tolerance if {
	untold := [[action, stream] |
		some action in ["publish", "subscribe"]
		some class in data.site.classes
		some stream in class[action]
		not is_number(data.site.tolerates[action][stream])
	]
	untold == []
}

required := {
	"environments", "credential_types", "unique_credential", "credential_max_ttl_s", "renewal_grace_s",
	"rotate_before_s", "credential_inactivity_s", "hardware_key", "planes", "attestation", "attestation_max_age_s",
	"attestation_grace_s", "required_claims", "gateway_attestation_max_age_s", "session_ttl_s", "max_qos",
	"retain_streams", "rate_class", "audit", "no_subscribe", "no_commands", "command_approvals", "dormancy_s",
	"eol_grace_s", "backlog_max_s", "facts_soft_s", "facts_hard_s",
}

test_profiles_are_complete if {
	gaps := {model: missing |
		some model, profile in data.site.profiles
		missing := required - object.keys(profile)
		count(missing) > 0
	}
	gaps == {}
}

test_unmodelled_is_the_strictest if {
	data.site.unmodelled.facts_soft_s == min([profile.facts_soft_s | some profile in data.site.profiles])
	data.site.unmodelled.facts_hard_s == min([profile.facts_hard_s | some profile in data.site.profiles])
}

# A message's future is the clock's skew, seen as an age.
test_skew_is_symmetric if data.site.clock_ahead_s == 0 - data.site.clock_skew_s
