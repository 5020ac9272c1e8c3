# Detections meet the tenant's playbook (FACTS, detections and responses). A signal without an expiry, or with
# one we cannot read, does not lapse; a response we do not know is a quarantine.
package sallyport.authz.signals

import data.sallyport.lib.time

quiet if input.device.state.signals == []

responses contains answer(input.tenant.playbook, signal) if {
	some signal in input.device.state.signals
	not time.passed(signal.expires_at)
}

# The playbook's answer to one signal.
answer(playbook, signal) := response if {
	response := playbook[signal.type]
	response in data.site.signal_responses
}

else := "quarantine" if {
	playbook[signal.type]
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
