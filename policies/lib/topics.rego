# The algebra of topics and filters (MQTT 5, section 4.7), on strings alone: what a name is, what a filter is, what a
# filter matches, and whether all that one filter matches is matched by another. Everything is undefined, never false,
# on what is malformed or no string, so that only a positive answer can open anything. docs/policy-library.md.
package sallyport.lib.topics

# A topic name: at least one character, no NUL, no wildcard [MQTT-4.7.1-1, MQTT-4.7.3-1, MQTT-4.7.3-2].
name(topic) if {
	is_string(topic)
	topic != ""
	not contains(topic, "+")
	not contains(topic, "#")
	not contains(topic, "\u0000")
}

# A filter's levels: wildcards stand alone, `#` comes last [MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.7.1-3].
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

# The topic, a valid name, is one that the filter matches: a name is the filter that matches itself alone.
# sallyport:ignore unreachable-rule for policies of one's own; ours ask whether a filter is contained
matches(filter, topic) if {
	name(topic)
	covers(filter, topic)
}

# Every topic that `inner` matches is matched by `outer`. Exact for single filters, not for unions of them: levels may
# be empty [MQTT-4.7.3-4], `+` takes any one level, `a/#` takes `a` too, and no filter that begins with a wildcard
# takes a topic that begins with `$` [MQTT-4.7.2-1]. Shared subscriptions are taken apart before: `unshared`.
covers(outer, inner) if {
	wide := spelled_out(outer)
	narrow := spelled_out(inner)
	fixed := [level | some level in wide; level != "#"]
	deep_enough(count(wide) - count(fixed), count(fixed), count(narrow))
	agreeing := [i | some i, level in fixed; level_covers(level, narrow[i])]
	count(agreeing) == count(fixed)
	reaches(wide[0], narrow[0])
}

# A topic has at least one character, so that `#` alone takes at least one level, and `/#` at least two.
spelled_out("#") := ["+", "#"]

spelled_out("/#") := ["", "+", "#"]

spelled_out(filter) := filter_levels(filter) if not filter in {"#", "/#"}

# `open` is 1 where the outer filter ends in `#`.
deep_enough(0, fixed, levels) if levels == fixed

deep_enough(1, fixed, levels) if levels >= fixed

level_covers(level, level)

level_covers("+", level) if {
	level != "+"
	level != "#"
}

# What begins with `$` is reached by name only.
reaches(level, level)

reaches("+", level) if {
	level != "+"
	not startswith(level, "$")
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
