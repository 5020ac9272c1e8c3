# Topics and filters as MQTT 5 section 4.7 defines them, and the site's templates (data.site.topics): every
# variable fills exactly one level, the stream is the level after the template.
package sallyport.lib.topics

# Ids that would change the shape of a topic or of a NATS subject never match: an undefined prefix denies.
identified if {
	ids := concat("", [input.tenant.id, input.device.id, input.device.class])
	not contains(ids, "/")
	not contains(ids, "+")
	not contains(ids, "#")
	not contains(ids, "*")
	not contains(ids, ">")
	not contains(ids, "{")
	not contains(ids, " ")
	not spaced(ids)
}

spaced(ids) if contains(ids, "\t")

spaced(ids) if contains(ids, "\n")

spaced(ids) if contains(ids, "\r")

spaced(ids) if contains(ids, "\u00a0")

# Where the device's own topics begin, and those that its whole class may read.
own_prefix := replace(replace(data.site.topics.own, "{tenant}", input.tenant.id), "{device}", input.device.id) if {
	identified
	input.tenant.id != ""
	input.device.id != ""
}

class_prefix := replace(replace(data.site.topics.class_broadcast, "{tenant}", input.tenant.id), "{class}", input.device.class) if {
	identified
	input.tenant.id != ""
	input.device.class != ""
}

# A topic name: at least one character, no NUL, no wildcard [MQTT-4.7.1-1, MQTT-4.7.3-1, MQTT-4.7.3-2].
name(topic) if {
	is_string(topic)
	topic != ""
	not contains(topic, "+")
	not contains(topic, "#")
	not contains(topic, "\u0000")
}

# The stream of a name or filter below a prefix; "" where the stream level is missing.
stream_below(prefix, topic) := split(trim_prefix(closed, prefix), "/")[0] if {
	closed := concat("", [topic, "/"])
	startswith(closed, prefix)
}

# A filter with `$share/<group>/` taken off [MQTT-4.8.2-1, MQTT-4.8.2-2]; undefined where the group or the
# filter below it is missing.
unshared(filter) := filter if not startswith(filter, "$share/")

unshared(filter) := rest if {
	startswith(filter, "$share/")
	levels := split(filter, "/")
	levels[1] != ""
	not contains(levels[1], "+")
	not contains(levels[1], "#")
	rest := trim_prefix(filter, concat("", ["$share/", levels[1], "/"]))
	rest != ""
	rest != filter
}

# A filter's levels: wildcards stand alone, `#` comes last [MQTT-4.7.1-1, -2, -3].
filter_levels(filter) := levels if {
	is_string(filter)
	filter != ""
	not contains(filter, "\u0000")
	levels := split(filter, "/")
	malformed := [i | some i, level in levels; misplaced(i, level, count(levels) - 1)]
	count(malformed) == 0
}

misplaced(_, level, _) if {
	contains(level, "+")
	level != "+"
}

misplaced(_, level, _) if {
	contains(level, "#")
	level != "#"
}

misplaced(i, "#", last) if i != last
