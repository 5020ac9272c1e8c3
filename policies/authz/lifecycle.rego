# The effective lifecycle state, most restrictive first (FACTS, lifecycle). What each state leaves open is data
# (data.site.channels). Undefined for a state we do not know.
package sallyport.authz.lifecycle

import data.sallyport.authz.attestation
import data.sallyport.authz.signals
import data.sallyport.lib.facts
import data.sallyport.lib.time

# Nothing at all to say: the straight path.
settled if {
	state := input.device.state
	state.lifecycle == "active"
	state.quarantine.active == false
	state.signals == []
	state.reentry_required_since == 0
	time.before(state.last_seen_at, facts.profile.dormancy_s)
	time.ahead(input.device.support.eol_at)
}

stored := input.device.state.lifecycle

state := effective if is_string(stored)

effective := "retired" if {
	stored == "retired"
}

else := "eol_past" if {
	not serviceable
}

else := "isolated" if {
	quarantined
	stored == "provisioned"
}

else := "blocked" if {
	flagged
	not constrained
}

else := "quarantined" if {
	quarantined
}

else := "safe_mode" if {
	stored == "safe_mode"
}

else := "provisioned" if {
	stored == "provisioned"
}

else := "enrolled" if {
	stored == "enrolled"
}

else := "recovery" if {
	stored == "recovery"
	not cleared
}

else := "reentry" if {
	not cleared
}

else := "dormant" if {
	not awake
}

else := "reviewed" if {
	stored == "recovery"
}

else := "eol" if {
	stored == "eol"
}

else := "eol" if {
	not supported
}

else := "active" if {
	stored == "active"
}

channel := data.site.channels[state]

serviceable if time.before(input.device.support.eol_at, facts.profile.eol_grace_s)

supported if time.ahead(input.device.support.eol_at)

awake if time.before(input.device.state.last_seen_at, facts.profile.dormancy_s)

unflagged if {
	input.device.state.quarantine.active == false
	stored != "quarantined"
}

flagged if not unflagged

constrained if input.device.state.quarantine.mode == "constrain"

quarantined if flagged

quarantined if signals.quarantines

# [FACTS] cleared: an affirming attestation or an active credential strictly later than the loss of trust.
cleared if input.device.state.reentry_required_since == 0

cleared if rebound

cleared if {
	attestation.affirmed
	later(input.device.attestation.appraised_at)
}

# The credential presented; for a command's target, which presents none, any active one.
rebound if {
	facts.entry.status == "active"
	later(facts.entry.bound_at)
}

rebound if {
	not subject_presents
	some entry in input.device.credentials
	entry.status == "active"
	later(entry.bound_at)
}

subject_presents if is_object(input.credential)

# Strictly later than the loss of trust and not in the future.
later(at) if {
	at - input.device.state.reentry_required_since > 0
	time.passed(at)
}

# [FACTS rule 5] connecting must not launder dormancy.
reentry_to_mark if {
	not awake
	cleared
	stored != "provisioned"
}

# The code of a denial by this gate. A quarantine that only a signal asks for says so.
denial := "risk_quarantined" if {
	state in {"quarantined", "isolated"}
	unflagged
}

else := channel.deny

# What the device would have without its quarantine: a quarantine never opens what was closed (INV-03).
unquarantined_publish := data.site.channels[stored].publish if {
	state == "quarantined"
	stored == "enrolled"
}

unquarantined_subscribe := data.site.channels[stored].subscribe if {
	state == "quarantined"
	stored == "enrolled"
}
