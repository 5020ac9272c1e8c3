# Gates on topics and filters, and the same as a list of grants.
package sallyport.authz.messages

import data.sallyport.lib.topics

profile := data.site.profile

publish_failing contains "topic_invalid" if not topics.name(input.request.topic)

publish_failing contains "topic_out_of_scope" if not topics.own_name

publish_failing contains "qos_not_allowed" if not modest

modest if {
	input.request.qos <= profile.max_qos
	input.request.retain == false
}

subscribe_failing contains "topic_invalid" if not topics.filter(input.request.filter)

subscribe_failing contains "topic_out_of_scope" if not topics.own_filter

subscribe_failing contains "topic_stream_not_allowed" if not listening

listening if profile.no_subscribe == false

# Where nothing is the device's own there is nothing to grant.
default grants := []

grants := array.concat([entry("publish")], heard)

heard := [entry("subscribe")] if listening

else := []

entry(action) := {
	"action": action,
	"effect": "allow",
	"filter": concat("", [topics.own, "#"]),
	"max_qos": profile.max_qos,
	"retain": false,
	"reason": "ok",
}
