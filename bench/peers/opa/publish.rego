# What a plain `ok` of `sallyport/publish` asks of a device under `device_pki`, in one rule and on the same input.
package peers

default allow := false

allow if {
	input.credential.trust_domain == input.device.trust_domain
	input.credential.device_id == input.device.id
	input.credential.tenant == input.device.tenant
	input.credential.type == "x509"
	input.credential.not_before <= input.now
	input.now < input.credential.not_after
	input.device.credentials[input.credential.fingerprint].status == "active"
	input.tenant.status == "active"
	input.tenant.env == input.request.env
	input.request.region in input.device.regions
	input.device.state.lifecycle == "active"
	input.device.state.quarantine.active == false
	input.device.state.reentry_required_since == 0
	input.device.state.signals == []
	input.device.firmware.channel == "production"
	input.device.firmware.key >= input.fw_policy.min_key
	input.device.firmware.key >= input.fw_policy.patched_key
	not input.device.firmware.key in input.fw_policy.blocked
	input.device.attestation == null
	input.now < input.device.support.support_ends_at
	input.device.compliance.status == "compliant"
	topic := split(input.request.topic, "/")
	array.slice(topic, 0, 4) == ["t", input.tenant.id, "d", input.device.id]
	topic[4] in {"ops", "prd", "hv", "sec", "mgmt"}
	input.request.qos <= 1
	input.request.retain == false
	input.registry.synced
	input.now - input.registry.watermark <= 300
}
