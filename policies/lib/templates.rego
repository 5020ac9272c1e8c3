# The site's topic templates (data.site.topics), bound to the device that asks. A level of a template is a literal,
# `+`, `#` at the end, or a variable, which fills exactly one level: `{tenant}`, `{device}`, `{class}` are facts,
# `{stream}` is what the gates judge, and `{name:type}` is free within a type of the site (data.site.variables). A
# template without `{stream}` says its stream beside it. What is not resolved matches nothing. docs/sites.md.
package sallyport.lib.templates

import data.sallyport.lib.topics

# Ids that would change the shape of a topic, or of a NATS subject, match nothing; nor does one that could lead into
# the broker's own topics, `$...`. (In Wasm twelve searches cost less than one replacement of all, or a pattern.)
identified if {
	input.tenant.id != ""
	input.device.id != ""
	input.device.class != ""
	ids := concat("", [input.tenant.id, input.device.id, input.device.class])
	not contains(ids, "/")
	not contains(ids, "+")
	not contains(ids, "#")
	not contains(ids, "*")
	not contains(ids, ">")
	not contains(ids, "{")
	not contains(ids, "$")
	not contains(ids, " ")
	not contains(ids, "\t")
	not contains(ids, "\n")
	not contains(ids, "\r")
	not contains(ids, "\u00a0")
}

bound(text) := replace(replace(replace(text, "{tenant}", input.tenant.id), "{device}", input.device.id), "{class}", input.device.class) if {
	identified
}

# What the device may publish to, and what it may subscribe to, split around the stream.
publications := [form | some template in data.site.topics.publish; form := form_of(template)]

subscriptions := [form | some template in data.site.topics.subscribe; form := form_of(template)]

# Nearly every template ends with its stream and leaves free what is below: then the beginning decides.
form_of(template) := {"below": parts[0]} if {
	parts := split(bound(template.topic), "{stream}")
	parts[1] == "/#"
	not contains(parts[0], "{")
}

else := {"before": parts[0], "after": parts[1]} if {
	parts := split(bound(template.topic), "{stream}")
	count(parts) == 2
}

else := {"whole": text, "stream": template.stream} if {
	text := bound(template.topic)
	not contains(text, "{stream}")
}

# The stream of a topic, or of a filter, under the first template that it fits; undefined where it fits none, "" where it
# ends before the stream.
published(topic) := found[0] if {
	found := [stream | some form in publications; stream := stream_in(form, topic)]
}

subscribed(filter) := found[0] if {
	found := [stream | some form in subscriptions; stream := stream_in(form, filter); literal(stream)]
}

literal(stream) if not stream in {"+", "#"}

stream_in(form, text) := split(trim_prefix(text, form.below), "/")[0] if startswith(text, form.below)

else := "" if {
	concat("", [text, "/"]) == form.below
}

else := found if {
	found := split(text, "/")[count(split(form.before, "/")) - 1]
	fits(concat("", [form.before, found, form.after]), text)
}

else := form.stream if {
	fits(form.whole, text)
}

# All that the text matches is within the template, level by level.
fits(whole, text) if {
	levels := split(whole, "/")
	topics.covers(concat("/", [widened(level) | some level in levels]), text)
	given := split(text, "/")
	free := [i | some i, level in levels; variable(level)]
	typed := [i | some i in free; of_type(levels[i], given[i])]
	count(typed) == count(free)
}

variable(level) if startswith(level, "{")

widened(level) := "+" if {
	variable(level)
}

else := level

# `{name:type}`, a type being a list of values or a pattern for the whole level.
of_type(level, value) if {
	type := type_of(level)
	value in type.values
}

of_type(level, value) if {
	type := type_of(level)
	literal(value)
	regex.match(concat("", ["^(?:", type.pattern, ")$"]), value)
}

type_of(level) := data.site.variables[split(trim_suffix(level, "}"), ":")[1]]

# How deep the deepest template for filters goes before it leaves free what is below.
depth := max([count([level | some level in split(template.topic, "/"); level != "#"]) | some template in data.site.topics.subscribe])

# The filters that say what a template grants of a stream. Up to three levels of types with listed values are spelled
# out; what a filter cannot say, a pattern, is left to single questions.
filters(form, wanted) := [filter | some filter in expanded(whole); not contains(filter, "{")] if {
	whole := concat("", [form.before, wanted, form.after])
}

else := [concat("", [form.below, wanted, "/#"])] if {
	form.below
}

else := [filter | some filter in expanded(form.whole); not contains(filter, "{")] if {
	form.stream == wanted
}

expanded(whole) := [text | some one in spelled(whole); some two in spelled(one); some text in spelled(two)]

# The first level that is open, with each of its values.
spelled(whole) := [concat("/", array.concat(array.concat(head, [value]), tail)) | some value in type_of(levels[first]).values] if {
	levels := split(whole, "/")
	first := min([i | some i, level in levels; variable(level)])
	head := array.slice(levels, 0, first)
	tail := array.slice(levels, first + 1, count(levels))
}

else := [whole]
