# Where a device may be: its regions and the tenant's failover, the tenant's residency, and whether it may come
# without a gateway (FACTS, gate order: region, residency, gateway-only).
package sallyport.authz.place

import data.sallyport.lib.facts

at_home if input.request.region in input.device.regions

failed_over if {
	not at_home
	input.tenant.failover.active == true
	input.request.region in input.tenant.failover.regions
}

allowed if at_home

allowed if failed_over

resident if input.tenant.residency == []

resident if input.request.region in input.tenant.residency

# A class behind gateways, and a credential that only a gateway asserts, never come alone.
direct_allowed if {
	facts.class.connect == "direct"
	input.credential.type != "gateway_asserted"
}

mediated if is_string(input.request.via)

approachable if direct_allowed

approachable if mediated

# Nothing to say: in its own region, direct and allowed to be.
sound if {
	input.request.region in input.device.regions
	input.request.via == null
	facts.class.connect == "direct"
	input.credential.type != "gateway_asserted"
}

failing contains "region_not_allowed" if not allowed

failing contains "direct_connect_not_allowed" if not approachable
