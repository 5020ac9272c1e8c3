# The cuts of `ota`, and its gates for bulk evaluation: for each gate in order the reasons it gives and the facts of a
# device that it looks at, binned. The credential is the registered one: it agrees with its device. Given that the gates before it passed, a gate's answer depends on these bins and on
# what is common to the scan (release, rollout, tenant, peer) alone; a law compares bulk with single answers.
package sallyport.updates.cuts

of(profile) := {
	"time": times(profile),
	"daily": [
		{"fact": "rollout.window.from", "offset": "device.ota.tz_offset_s"},
		{"fact": "rollout.window.to", "offset": "device.ota.tz_offset_s"},
	],
	"lag": [profile.facts_soft_s + 1],
	"gates": gates(profile),
}

times(profile) := [
	{"fact": "credential.not_after", "at": [0]},
	{"fact": "credential.not_before", "at": [0]},
	{"fact": "device.attestation.appraised_at", "at": [0]},
	{"fact": "device.credentials.*.bound_at", "at": [0, profile.credential_inactivity_s]},
	{"fact": "device.credentials.*.last_used_at", "at": [profile.credential_inactivity_s]},
	{"fact": "device.state.last_seen_at", "at": [profile.dormancy_s]},
	{"fact": "device.state.signals.*.expires_at", "at": [0]},
	{"fact": "device.support.eol_at", "at": sort({0, profile.eol_grace_s})},
	{"fact": "release.manifest.expires_at", "at": [0]},
	{"fact": "rollout.rings.*.opened_at", "at": [0]},
	{"fact": "rollout.rings.*.opened_at", "at": [0], "plus": "rollout.gates.bake_s"},
]

gates(profile) := [
	{
		"reasons": ["credential_missing", "facts_not_ready", "trust_domain_unknown", "trust_domain_mismatch", "environment_mismatch", "device_unknown", "facts_invalid", "tenant_unknown", "tenant_mismatch", "tenant_suspended", "model_unknown", "model_not_allowed_in_environment"],
		"facts": [{"fact": "device.trust_domain"}, {"fact": "device.class"}, {"fact": "credential.tenant", "same": "device.tenant"}],
	},
	{
		"reasons": ["credential_type_not_allowed", "credential_binding_mismatch"],
		"facts": [{"fact": "credential.type"}, {"fact": "device.class"}],
	},
	{"reasons": ["credential_unknown", "credential_revoked", "credential_superseded"], "facts": [{"fact": "device.credentials.*.status"}]},
	{
		"reasons": ["credential_not_yet_valid", "credential_expired", "credential_ttl_exceeds_policy"],
		"facts": [
			{"fact": "credential.type", "is": "claim"},
			{"fact": "credential.not_before", "ahead": true},
			{"fact": "credential.not_after", "cuts": true},
			{"fact": "credential.not_after", "less": "credential.not_before", "at": [profile.credential_max_ttl_s + 1]},
		],
	},
	{
		"reasons": ["credential_shared"],
		"facts": [{"fact": "credential.type", "is": "claim"}, {"fact": "device.credentials.*.devices", "at": [2]}],
	},
	{
		"reasons": ["credential_inactive"],
		"facts": [
			{"fact": "credential.type", "is": "claim"},
			{"fact": "device.credentials.*.bound_at", "cuts": true},
			{"fact": "device.credentials.*.last_used_at", "cuts": true},
		],
	},
	{"reasons": ["key_not_hardware_backed"], "facts": [{"fact": "credential.key_protection"}]},
	{"reasons": ["ota_not_supported"], "facts": []},
	{"reasons": ["device_retired"], "facts": [{"fact": "device.state.lifecycle"}]},
	{
		"reasons": ["device_quarantined", "risk_quarantined"],
		"facts": array.concat(quarantine_facts(profile), [{"fact": "device.state.quarantine.mode", "when": [serviceable(profile)]}]),
	},
	{"reasons": ["device_safe_mode", "device_not_activated"], "facts": quarantine_facts(profile)},
	{
		"reasons": ["device_eol", "reentry_evidence_required", "recovery_review_pending", "device_dormant"],
		"facts": array.concat(quarantine_facts(profile), array.concat(
			[
				{"fact": "device.support.eol_at", "cuts": true},
				{"fact": "device.state.last_seen_at", "cuts": true, "when": [serviceable(profile)]},
			],
			# What clears a device is looked at where it owes something.
			[object.union(fact, {"when": [serviceable(profile), {"fact": "device.state.reentry_required_since", "least": 1}]}) |
				some fact in clearing_facts
			],
		)),
	},
	{
		"reasons": ["firmware_not_production", "attestation_failed"],
		"facts": [
			{"fact": "device.firmware.channel"},
			{"fact": "device.attestation.status"},
			{"fact": "device.attestation.vector.*", "at": [-96, 96]},
		],
	},
	{"reasons": ["ota_manifest_unverified", "ota_threshold_unmet", "ota_manifest_expired", "ota_release_superseded", "ota_not_approved", "ota_rollout_aborted", "ota_rollout_paused", "ota_no_release", "ota_rollout_not_running"], "facts": []},
	{"reasons": ["ota_not_targeted"], "facts": [{"fact": "device.class"}, {"fact": "device.hw_rev", "in": "release.hw_revs"}]},
	{"reasons": ["ota_tenant_hold", "ota_owner_approval_missing"], "facts": []},
	{"reasons": ["ota_region_hold"], "facts": [{"fact": "device.home_region", "in": "rollout.held_regions"}]},
	{
		"reasons": ["firmware_unknown", "ota_already_current", "ota_downgrade_blocked", "ota_security_version_too_low", "ota_rollback_not_authorized", "ota_precursor_unmet"],
		"facts": [
			{"fact": "device.firmware.key", "to": "release.key"},
			{"fact": "device.firmware.key", "to": "release.requires_min_key"},
			{"fact": "device.firmware.key", "in": "rollout.rollback_from"},
			{"fact": "device.firmware.svn", "to": "release.svn"},
		],
	},
	{"reasons": ["ota_dependency_unmet"], "facts": [{"fact": "device.firmware.components", "each": "release.depends"}]},
	{"reasons": ["ota_conflict"], "facts": [{"fact": "device.firmware.components", "each": "release.conflicts"}]},
	{"reasons": ["ota_gate_failed", "ota_gate_insufficient_data", "ota_gate_baking", "ota_ring_not_open"], "facts": [{"fact": "device.ota.ring"}]},
	{"reasons": ["ota_bucket_not_reached"], "facts": [{"fact": "device.ota.ring"}, {"fact": "device.ota.bucket", "to": "rollout.rings.*.percent_bp"}]},
	{"reasons": ["ota_outside_window"], "facts": [{"fact": "device.ota.tz_offset_s", "daily": true}]},
	{"reasons": ["ota_device_not_ready"], "facts": [{"fact": "device.ota.idle"}, {"fact": "device.ota.mains"}, {"fact": "device.ota.battery_pct", "to": "release.min_battery_pct"}]},
	{"reasons": ["ota_in_progress"], "facts": [{"fact": "device.ota.in_progress", "same": "release.id"}, {"fact": "device.ota.in_progress", "is": ""}]},
	{"reasons": ["ota_attempts_exhausted"], "facts": [{"fact": "device.ota.last_release", "same": "release.id"}, {"fact": "device.ota.attempts", "to": "rollout.max_attempts"}]},
	{"reasons": ["facts_stale"], "facts": []},
	{"reasons": ["ota_eligible", "ota_eligible_remediation", "ota_eligible_rollback"], "facts": [{"fact": "device.firmware.key", "to": "release.delta_from_key"}, {"fact": "device.ota.in_progress", "same": "release.id"}]},
]

# A device that is served no more is asked nothing else.
serviceable(profile) := {"fact": "device.support.eol_at", "before": profile.eol_grace_s}

# Signals that have not lapsed; their type and time belong together.
quarantine_facts(profile) := [
	{"fact": "device.state.lifecycle"},
	{"fact": "device.state.quarantine.active", "when": [serviceable(profile)]},
	{"fact": "device.state.signals", "signals": true, "when": [serviceable(profile)]},
]

# The credential is active, or the gate before has denied; AR4SI tiers begin at 32 and 96.
clearing_facts := [
	{"fact": "device.credentials.*.bound_at", "cuts": true},
	{"fact": "device.credentials.*.bound_at", "less": "device.state.reentry_required_since", "at": [1]},
	{"fact": "device.attestation.status"},
	{"fact": "device.attestation.vector.*", "at": [-32, 32]},
	{"fact": "device.attestation.verifier", "among": data.site.trusted_verifiers},
	{"fact": "device.attestation.key_fingerprint", "same": "credential.fingerprint"},
	{"fact": "device.attestation.appraised_at", "cuts": true},
	{"fact": "device.attestation.appraised_at", "less": "device.state.reentry_required_since", "at": [1]},
]
