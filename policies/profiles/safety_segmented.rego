# Profiles with planes: telemetry and control never cross. One endpoint per stream within the device's zone,
# one credential per plane, commands only from the zones that the zone accepts (FACTS, the five security models).
package sallyport.profiles.safety_segmented

import data.sallyport.lib.facts

single_plane if facts.profile.planes == false

zone := data.site.zones[input.device.zone]

# At connect any endpoint of the zone will do; what is sent there is asked per stream.
entered if single_plane

entered if {
	some endpoint in zone.endpoints
	endpoint == input.request.endpoint
}

# The stream's own endpoint.
routed(_) if single_plane

routed(stream) if zone.endpoints[stream] == input.request.endpoint

# The credential's plane is the endpoint's.
matching_usage if single_plane

matching_usage if data.site.endpoint_usage[input.request.endpoint] == input.credential.usage

# Commands reach the zone only from the zones it names.
commandable if single_plane

commandable if input.request.command in data.site.zone_free_commands

commandable if input.request.source_zone in zone.command_from
