# Gates on a command that somebody sends to a device.
package sallyport.authz.command

import data.sallyport.authz.device
import data.sallyport.lib.time

failing contains "actor_missing" if not is_object(input.actor)

failing contains "device_unknown" if not is_object(input.device)

failing contains "tenant_mismatch" if not same_tenant

failing contains "environment_mismatch" if not device.at_home

failing contains "command_not_allowed" if not offered

failing contains "role_missing" if not entitled

failing contains "device_quarantined" if not device.in_use

failing contains "facts_stale" if not usable

same_tenant if {
	input.actor.tenant == input.device.tenant
	input.tenant.id == input.device.tenant
}

offered if {
	data.site.profile.no_commands == false
	is_string(data.site.commands[input.request.command])
}

entitled if data.site.commands[input.request.command] in input.actor.roles

usable if time.lag <= data.site.profile.facts_hard_s
