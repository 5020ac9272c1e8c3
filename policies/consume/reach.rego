# What a back-end's filter reaches. The site's templates for readers (data.site.consumers.topics) hold literals and
# `{tenant}`, which bind, and a `{stream}` or the stream beside them, which a role must read; any other level is free, and
# so is what is below. A filter that reaches several templates must be good under each.
package sallyport.readers

# A template says whose its topics are and what they carry, or it is none.
forms := [{"parts": parts, "stream": object.get(template, "stream", null)} |
	some template in data.site.consumers.topics
	parts := split(trim_suffix(template.topic, "/#"), "/")
	"{tenant}" in parts
	streamed(template, parts)
]

streamed(template, _) if is_string(template.stream)

streamed(_, parts) if "{stream}" in parts

# A level of a filter; what `#` leaves open is `#` too. There is none beyond its end.
level(levels, i) := levels[i] if i < count(levels)

else := "#" if {
	levels[count(levels) - 1] == "#"
}

literal(part) if {
	part != "+"
	not startswith(part, "{")
}

binding("{tenant}")

binding(part) if literal(part)

# The templates that share a topic with the filter, whosever it is.
forms_met(levels) := [form | some form in forms; meets(form, levels)]

meets(form, levels) if {
	literals := [i | some i, part in form.parts; literal(part)]
	met := [i | some i in literals; level(levels, i) in {form.parts[i], "+", "#"}]
	count(met) == count(literals)
}

# No wildcard stands where a template it meets has a literal or the tenant.
narrow(levels) if {
	wide := [i |
		some form in forms_met(levels)
		some i, part in form.parts
		binding(part)
		level(levels, i) in {"+", "#"}
	]
	wide == []
}

# An id that would change the shape of a filter is nobody's.
of_tenant(levels) if {
	not contains(input.actor.tenant, "/")
	not input.actor.tenant in {"", "+", "#"}
	every form in forms_met(levels) {
		some i, "{tenant}" in form.parts
		level(levels, i) == input.actor.tenant
	}
}

# All that the filter can match is of its own tenant and of streams that its roles read.
of_role(levels) if {
	narrow(levels)
	of_tenant(levels)
	every form in forms_met(levels) {
		stream_of(form, levels) in readable
	}
}

# A filter that ends before the stream reaches every stream, as `#` does: no role reads that.
stream_of(form, _) := form.stream if is_string(form.stream)

stream_of(form, levels) := level(levels, i) if {
	form.stream == null
	some i, "{stream}" in form.parts
}

# The widest filter of a template for a stream: what binds is filled in, and the rest left open.
widest(form, name) := array.concat(head, ["#"]) if {
	form.stream in {null, name}
	last := max([i | some i, part in form.parts; fixed(part)])
	head := [filled(part, name) | some i, part in form.parts; i <= last]
}

fixed("{stream}")

fixed(part) if binding(part)

filled("{stream}", name) := name

filled("{tenant}", _) := input.actor.tenant

filled(part, _) := part if literal(part)

filled(part, _) := "+" if {
	not literal(part)
	not part in {"{stream}", "{tenant}"}
}
