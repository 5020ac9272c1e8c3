package sallyport.lib.templates_test

import data.sallyport.lib.templates

facts(tenant, device, class) := {"tenant": {"id": tenant}, "device": {"id": device, "class": class}}

meter := facts("acme", "m-1", "meter")

# A site of other shapes: the stream in the middle, typed levels, a stream that no topic names, a broker's own topics.
topics := {
	"publish": [
		{"topic": "site/{stream}/{tenant}/{device}/{phase:phase}/{n:number}"},
		{"topic": "devices/{device}/messages/events/#", "stream": "ops"},
		{"topic": "{hall:phase}/{device}/{stream}/#"},
		{"topic": "$things/{device}/{stream}"},
		{"topic": "lost/{unheard}/{stream}/#"},
		{"topic": "odd/{n:nothing}/{stream}/#"},
	],
	"subscribe": [
		{"topic": "site/{stream}/{tenant}/{device}/{phase:phase}/+"},
		{"topic": "{tenant}/all/{class}/{stream}/#"},
	],
}

variables := {"phase": {"values": ["l1", "l2"]}, "number": {"pattern": "[0-9]+"}}

published(topic) := stream if {
	stream := templates.published(topic) with input as meter with data.site.topics as topics with data.site.variables as variables
}

subscribed(filter) := stream if {
	stream := templates.subscribed(filter) with input as meter with data.site.topics as topics with data.site.variables as variables
}

listed := [filter |
	forms := templates.publications with input as meter with data.site.topics as topics with data.site.variables as variables
	some form in forms
	filters := templates.filters(form, "ops") with data.site.variables as variables
	some filter in filters
]

shipped := {
	"publish": [{"topic": "t/{tenant}/d/{device}/{stream}/#"}],
	"subscribe": [{"topic": "t/{tenant}/d/{device}/{stream}/#"}, {"topic": "t/{tenant}/b/{class}/{stream}/#"}],
}

sent(topic, of) := stream if {
	stream := templates.published(topic) with input as of with data.site.topics as shipped
}

heard(filter, of) := stream if {
	stream := templates.subscribed(filter) with input as of with data.site.topics as shipped
}

test_streams_below_a_prefix if {
	sent("t/acme/d/m-1/ops/x", meter) == "ops"
	sent("t/acme/d/m-1/ops", meter) == "ops"
	sent("t/acme/d/m-1/", meter) == ""
	sent("t/acme/d/m-1", meter) == ""
	heard("t/acme/b/meter/cmd/#", meter) == "cmd"
	heard("t/acme/d/m-1/cmd/+/x", meter) == "cmd"
	outside := [topic |
		some topic in ["t/acme/d/m-2/ops", "t/acme/d", "t/acme/d/m-10/ops", "t/acme/b/meter/ops", "", "T/acme/d/m-1/ops"]
		sent(topic, meter)
	]
	outside == []
	wide := [filter |
		some filter in ["#", "t/#", "t/acme/d/m-1/#", "t/acme/d/m-1/+/x", "t/acme/d/+/cmd", "t/acme/b/sensor/cmd"]
		heard(filter, meter)
	]
	wide == []
	deep := templates.depth with data.site.topics as shipped
	deep == 5
}

test_an_id_that_changes_the_shape_has_no_topics if {
	bad := ["", "a/b", "a+", "#", "*", "a>b", "a b", "a\tb", "a\nb", "a\rb", "{device}", "a\u00a0b", "$SYS"]
	open := [id |
		some id in bad
		sent(concat("", ["t/acme/d/", id, "/ops"]), facts("acme", id, "meter"))
	]
	open == []
	foreign := [id |
		some id in bad
		sent(concat("", ["t/", id, "/d/m-1/ops"]), facts(id, "m-1", "meter"))
	]
	foreign == []
	classless := [id |
		some id in bad
		heard(concat("", ["t/acme/b/", id, "/ops"]), facts("acme", "m-1", id))
	]
	classless == []
}

test_streams_anywhere if {
	published("site/ops/acme/m-1/l1/07") == "ops"
	published("devices/m-1/messages/events/a/b") == "ops"
	published("l2/m-1/sec/x") == "sec"
	published("$things/m-1/hv") == "hv"
	subscribed("site/cmd/acme/m-1/l2/+") == "cmd"
	subscribed("acme/all/meter/mgmt/#") == "mgmt"
}

test_what_does_not_fit_has_no_stream if {
	wrong := [topic |
		some topic in [
			"site/ops/acme/m-1/l3/07", "site/ops/acme/m-1/l1/7a", "site/ops/acme/m-1/l1/07/x", "site/ops/acme/m-1/l1",
			"site/ops/acme/m-2/l1/07", "devices/m-2/messages/events", "l3/m-1/sec/x", "$things/m-1/hv/x", "lost/x/ops/y",
			"odd/1/ops/y", "site/ops/acme/m-1/l1/+",
		]
		published(topic)
	]
	wrong == []
	wide := [filter |
		some filter in ["site/+/acme/m-1/l1/x", "site/cmd/acme/m-1/+/x", "site/cmd/acme/m-1/l1/#", "site/#", "acme/all/meter/#"]
		subscribed(filter)
	]
	wide == []
}

# Two levels of one type are free of each other; a third number is one too many for a filter.
test_filters_of_several_levels if {
	form := {"whole": "x/{a:phase}/{b:phase}", "stream": "ops"}
	filters := templates.filters(form, "ops") with data.site.variables as variables
	filters == ["x/l1/l1", "x/l1/l2", "x/l2/l1", "x/l2/l2"]
	untold := templates.filters({"whole": "x/{a:phase}/{n:number}", "stream": "ops"}, "ops") with data.site.variables as variables
	untold == []
	four := templates.filters({"whole": "{a:phase}/{b:phase}/{c:phase}/{d:phase}", "stream": "ops"}, "ops") with data.site.variables as variables
	four == []
}

# What a filter cannot say is not listed: numbers; what it can is spelled out.
test_filters_say_no_more_than_the_template if {
	{filter | some filter in listed} == {"devices/m-1/messages/events/#", "l1/m-1/ops/#", "l2/m-1/ops/#", "$things/m-1/ops"}
}
