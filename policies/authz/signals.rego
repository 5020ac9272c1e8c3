# Detections meet the tenant's playbook (FACTS, detections and responses). A signal without an expiry, or with
# one we cannot read, does not lapse; a response we do not know is a quarantine.
package sallyport.authz.signals

import data.sallyport.lib.time

responses contains answer(signal) if {
	some signal in input.device.state.signals
	not lapsed(signal)
}

# Helpers take the whole signal: a call on an absent field would silently undo the rule that denies.
lapsed(signal) if time.passed(signal.expires_at)

typed(signal) if is_string(signal.type)

playbook_known if is_object(input.tenant.playbook)

# The playbook's answer to one signal, of the device or of its gateway.
answer(signal) := "quarantine" if {
	not typed(signal)
}

else := "quarantine" if {
	not playbook_known
}

else := response if {
	response := input.tenant.playbook[signal.type]
	response in data.site.signal_responses
}

else := "quarantine" if {
	input.tenant.playbook[signal.type]
}

else := data.site.default_signal_response

# Absent signals are not an empty list.
default unreadable := true

unreadable := false if is_array(input.device.state.signals)

quarantines if "quarantine" in responses

quarantines if unreadable

downgrades if "downgrade" in responses

disables_commands if "disable_commands" in responses

disables_commands if unreadable
