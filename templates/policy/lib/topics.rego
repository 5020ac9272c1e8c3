# Topics and filters as MQTT 5 section 4.7 defines them, and the template of a device's own topics.
package sallyport.lib.topics

# Undefined where an id would change the shape of a topic, so that nothing is its own.
own := replace(replace(data.site.topics.own, "{tenant}", input.tenant.id), "{device}", input.device.id) if {
	plain(input.tenant.id)
	plain(input.device.id)
}

plain(id) if {
	id != ""
	shaping := [part | some part in ["/", "+", "#", "*", ">", "{", " ", "\t", "\n"]; contains(id, part)]
	count(shaping) == 0
}

# A topic name: not empty, no wildcard, no NUL.
name(topic) if {
	topic != ""
	found := [part | some part in ["+", "#", "\u0000"]; contains(topic, part)]
	count(found) == 0
}

# A filter: `+` fills a level, `#` the last one.
filter(text) if {
	text != ""
	not contains(text, "\u0000")
	levels := split(text, "/")
	wrong := [level | some at, level in levels; misplaced(at, level, count(levels) - 1)]
	count(wrong) == 0
}

misplaced(_, level, _) if {
	contains(level, "+")
	level != "+"
}

misplaced(_, level, _) if {
	contains(level, "#")
	level != "#"
}

misplaced(at, "#", last) if at != last

# The slash at the end keeps `.../m-1` apart from `.../m-10`, and lets `.../m-1` itself belong to it.
own_name if startswith(concat("", [input.request.topic, "/"]), own)

# The own levels hold no wildcard, so a filter that begins with them is contained.
own_filter if startswith(concat("", [input.request.filter, "/"]), own)
