# Every comparison with the clock, so that the cache knows when an answer may change (docs/policy-contract.md).
package sallyport.authz.cuts

profile := data.site.profile

# `lag <= n` changes at n + 1.
lag := [profile.facts_hard_s + 1]

device_times := [
	{"fact": "credential.not_after", "at": [0]},
	{"fact": "device.attestation.appraised_at", "at": [profile.attestation_max_age_s]},
	{"fact": "device.attestation.expires_at", "at": [0]},
]

kinds[kind] := {"time": device_times, "lag": lag} if some kind in ["connect", "publish", "subscribe", "grants"]

kinds["command"] := {"time": [], "lag": lag}
