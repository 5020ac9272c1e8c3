# What the shipped policies must never do, whatever the facts. `sallyport policy fuzz policies` looks for an answer
# that does it. Asked of each answer: `input.ask`, `input.facts` (all of them), `input.answer`.
package invariants

device_asks := {"connect", "publish", "subscribe", "ota"}

device := input.facts.device

allowed if input.answer.allow == true

allowed_device if {
	allowed
	input.ask in device_asks
}

# --- trust that was taken away ------------------------------------------------------------------------------------
never contains "a quarantined device is allowed a command outside the recovery set" if {
	allowed
	input.ask == "command"
	device.state.quarantine.active == true
	not input.facts.request.command in data.site.recovery_commands
}

never contains "a quarantined device is allowed a stream outside sec, mgmt and rec" if {
	allowed
	input.ask == "publish"
	device.state.quarantine.active == true
	not stream in {"sec", "mgmt", "rec"}
}

never contains "a device in quarantine by block is allowed anything of its own" if {
	allowed_device
	device.state.quarantine.active == true
	device.state.quarantine.mode == "block"
}

never contains "a retired device is allowed anything" if {
	allowed
	device.state.lifecycle == "retired"
}

never contains "a revoked credential is allowed anything of a device" if {
	allowed_device
	device.credentials[input.facts.credential.fingerprint].status == "revoked"
}

never contains "a device whose attestation failed is allowed sensitive telemetry or control" if {
	allowed
	input.ask in {"publish", "subscribe"}
	device.attestation.status == "contraindicated"
	stream in {"hv", "ctl"}
}

# --- borders ------------------------------------------------------------------------------------------------------
never contains "a device is allowed a topic of another tenant" if {
	allowed
	input.ask in {"publish", "subscribe"}
	levels[1] != device.tenant
}

never contains "a device is allowed to publish as another device" if {
	allowed
	input.ask == "publish"
	levels[3] != device.id
}

never contains "a broker's own topics are allowed" if {
	allowed
	startswith(topic, "$SYS")
}

never contains "a trust domain is allowed in another environment" if {
	allowed_device
	data.site.trust_domains[input.facts.credential.trust_domain].env != input.facts.request.env
}

never contains "a shared credential is allowed outside the lab" if {
	allowed_device
	input.facts.credential.type == "shared_token"
	input.facts.request.env != "lab"
}

# --- time ---------------------------------------------------------------------------------------------------------
never contains "a session outlives the credential that opened it" if {
	allowed
	input.ask == "connect"
	not "ok_renewal_only" in ({input.answer.reason} | {code | some code in input.answer.findings})
	input.facts.now + input.answer.obligations.session_ttl_s > input.facts.credential.not_after
}

never contains "a session outlives the grace in which its credential may be renewed" if {
	allowed
	input.ask == "connect"
	grace := max({profile.renewal_grace_s | some profile in data.site.profiles})
	input.facts.now + input.answer.obligations.session_ttl_s > input.facts.credential.not_after + grace
}

never contains "anything is allowed before the registry was complete" if {
	allowed
	input.facts.registry.synced == false
}

never contains "a device is allowed anything on facts older than every hard limit" if {
	allowed_device
	input.facts.now - input.facts.registry.watermark > max({profile.facts_hard_s | some profile in data.site.profiles})
}

topic := input.facts.request.topic if input.ask == "publish"

topic := regex.replace(input.facts.request.filter, `^\$share/[^/]+/`, "") if input.ask == "subscribe"

levels := split(topic, "/")

# The layout of the shipped site: t/<tenant>/d/<device>/<stream>.
stream := levels[4]

# --- harms: none of these ever turns a denial into an allow ---------------------------------------------------------
harms["quarantine"] := {"device": {"state": {"quarantine": {"active": true}}}} if is_object(device)

harms["block"] := {"device": {"state": {"quarantine": {"active": true, "mode": "block"}}}} if is_object(device)

harms["retire"] := {"device": {"state": {"lifecycle": "retired"}}} if is_object(device)

harms["suspend"] := {"tenant": {"status": "suspended"}} if is_object(input.facts.tenant)

harms["revoke"] := {"device": {"credentials": {input.facts.credential.fingerprint: {"status": "revoked"}}}} if {
	is_object(device)
	device.credentials[input.facts.credential.fingerprint]
}

harms["a signal"] := {"device": {"state": {"signals": array.concat(device.state.signals, [signal])}}} if {
	is_array(device.state.signals)
}

signal := {"type": "never heard of", "expires_at": input.facts.now + 60}

# The recovery stream exists for devices that are not well: less trust, or less known of it, may open that one. A
# command of the recovery set needs no trust in its device.
excused if stream == "rec"

excused if split(input.facts.request.will.topic, "/")[4] == "rec"

excused if {
	input.ask == "command"
	input.facts.request.command in data.site.recovery_commands
}
