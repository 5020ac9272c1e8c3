# What a denial or an allow of a device's own request carries besides its reason.
package sallyport.authz.answer

import data.sallyport.authz.credential
import data.sallyport.authz.lifecycle
import data.sallyport.authz.place
import data.sallyport.authz.posture
import data.sallyport.lib.facts
import data.sallyport.profiles.gateway_mediated

# Allow reasons that the device itself gives, whatever it asks. `findings` are its posture's.
notes(findings) := {note | some note in device_notes} | degraded(findings)

degraded(findings) := {"ok_degraded"} if count(findings) > 0

else := {"ok_degraded"} if {
	gateway_mediated.degraded
}

else := set()

device_notes contains lifecycle.channel.reason if lifecycle.state != "active"

device_notes contains "ok_renewal_only" if credential.renewing

device_notes contains "ok_stale_facts" if not facts.fresh

device_notes contains "ok_failover" if place.failed_over

device_notes contains "ok_exception" if {
	not posture.compliant
	posture.waived
}

# Obligations of an allowed publish or subscription: what is constant for the state of device and registry.
duties[name] := value if some name, value in stale_duties

duties["audit"] := "full" if audited

stale_duties := {"recheck_after_s": data.site.stale.recheck_s} if not facts.fresh

audited if facts.profile.audit == "full"

audited if lifecycle.channel.audit == "full"
