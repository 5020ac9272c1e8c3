# What must never be, whatever the facts: `sallyport policy fuzz` looks for an answer that is. Asked of each answer:
# `input.ask`, `input.facts` (all of them) and `input.answer` (allow, reason, findings, obligations).
package invariants

never contains "a quarantined device is allowed something" if {
	input.answer.allow
	input.ask in {"connect", "publish", "subscribe"}
	input.facts.device.state.quarantine.active
}

never contains "a device is allowed a topic of another tenant" if {
	input.answer.allow
	input.ask == "publish"
	split(input.facts.request.topic, "/")[1] != input.facts.device.tenant
}

# Merge patches that take trust away: none of them ever turns a denial into an allow.
harms["quarantine"] := {"device": {"state": {"quarantine": {"active": true}}}} if is_object(input.facts.device)

harms["suspend"] := {"tenant": {"status": "suspended"}} if is_object(input.facts.tenant)
