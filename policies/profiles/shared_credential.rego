# Profiles whose credential proves no single device: few streams, no subscription, no commands (FACTS, the five
# security models). And, for all profiles, which streams a class has under a profile.
package sallyport.profiles.shared_credential

import data.sallyport.lib.facts

# A stream that the class has, the profile grants, and that exists without planes or with them.
has("publish", stream) if {
	stream in facts.class.publish
	published(stream)
	in_plane(stream)
}

has("subscribe", stream) if {
	stream in facts.class.subscribe
	facts.profile.no_subscribe == false
	in_plane(stream)
}

published(stream) if stream in facts.profile.publish_only

published(_) if not facts.profile.publish_only

in_plane(stream) if not stream in data.site.planes_streams

in_plane(_) if facts.profile.planes == true

commanded if facts.profile.no_commands == false
