# Posture: what limits a device that is known and allowed (FACTS, posture). Levels of harm are data
# (data.site.posture): 1 degraded, 2 restricted, 3 blocked; a request tolerates up to a level.
package sallyport.authz.posture

import data.sallyport.authz.attestation
import data.sallyport.authz.signals
import data.sallyport.lib.time
import data.sallyport.lib.version

production if input.device.firmware.channel in data.site.firmware_channels[input.request.env]

matching if input.device.firmware.attested_key == null

matching if input.device.firmware.attested_key == input.device.firmware.key

unblocked if version.clear_of(input.device.firmware.key, input.fw_policy.blocked)

# A key that is null, here and below at the minimum, is neither blocked nor too old: it is `firmware_unknown`, and no more
# than that. One that is no whole number is all three.
unblocked if {
	input.device.firmware.key == null
	is_array(input.fw_policy.blocked)
}

above_minimum if version.at_least(input.device.firmware.key, input.fw_policy.min_key)

above_minimum if input.device.firmware.key == null

firmware_known if version.whole(input.device.firmware.key)

patched if {
	is_number(input.device.firmware.key)
	is_number(input.fw_policy.patched_key)
	input.device.firmware.key >= input.fw_policy.patched_key
}

in_patch_window if patched

in_patch_window if time.ahead(input.fw_policy.patched_deadline)

supported if time.ahead(input.device.support.support_ends_at)

compliant if input.device.compliance.status == "compliant"

waived if time.ahead(input.device.compliance.exception.expires_at)

attested if attestation.sound

attested if {
	not attestation.required
	attestation.uncontradicted
}

# No finding at all, for the straight path, where `lifecycle.settled` has seen that there is no signal. Said again rather
# than called.
sound if {
	device := input.device
	firmware := device.firmware
	policy := input.fw_policy
	firmware.channel in data.site.firmware_channels[input.request.env]
	matching
	not firmware.key in policy.blocked
	is_array(policy.blocked)
	is_number(firmware.key)
	is_number(policy.min_key)
	policy.min_key >= 0
	firmware.key >= policy.min_key
	in_patch_window
	time.ahead(device.support.support_ends_at)
	device.compliance.status == "compliant"
	attested
}

found contains "firmware_not_production" if not production

found contains "attestation_failed" if not attestation.uncontradicted

found contains "firmware_mismatch" if not matching

found contains "firmware_blocked" if not unblocked

found contains "firmware_below_minimum" if not above_minimum

found contains "risk_downgraded" if signals.downgrades

found contains "firmware_unknown" if not firmware_known

found contains "firmware_outside_patch_window" if {
	firmware_known
	not in_patch_window
}

found contains "support_ended" if not supported

found contains "compliance_failed" if {
	not compliant
	not waived
}

# Findings of one request, with attestation where the profile or the request demands it.
findings(demanded) := found | attestation.failing if demanded

else := found

# What they take away.
level(code) := 1 if {
	code == "attestation_stale"
	attestation.in_grace
}

else := harm if {
	harm := data.site.posture[code]
}

else := 3

exceeding(codes, tolerated) := {code |
	some code in codes
	not level(code) <= tolerated
}

# What the profile itself demands of this device.
standing := findings(true) if attestation.required

else := found

# FACTS: restricted keeps connect, mgmt, sec and rec.
restricted if {
	some code in standing
	level(code) >= 2
}
