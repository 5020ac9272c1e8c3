package sallyport.lib.topics_test

import data.sallyport.lib.topics

facts(tenant, device, class) := {"tenant": {"id": tenant}, "device": {"id": device, "class": class}}

test_prefixes if {
	topics.own_prefix == "t/acme/d/m-1/" with input as facts("acme", "m-1", "meter")
	topics.class_prefix == "t/acme/b/meter/" with input as facts("acme", "m-1", "meter")
}

test_an_id_that_changes_the_shape_has_no_topics if {
	bad := ["", "a/b", "a+", "#", "*", "a>b", "a b", "a\tb", "a\nb", "a\rb", "{device}", "a\u00a0b"]
	open := [id | some id in bad; topics.own_prefix with input as facts("acme", id, "meter")]
	open == []
	foreign := [id | some id in bad; topics.own_prefix with input as facts(id, "m-1", "meter")]
	foreign == []
}

test_streams if {
	topics.stream_below("t/a/d/m/", "t/a/d/m/ops") == "ops"
	topics.stream_below("t/a/d/m/", "t/a/d/m/ops/x/y") == "ops"
	topics.stream_below("t/a/d/m/", "t/a/d/m") == ""
	topics.stream_below("t/a/d/m/", "t/a/d/m/") == ""
	not topics.stream_below("t/a/d/m/", "t/a/d/m2/ops")
}

test_names if {
	topics.name("a")
	topics.name("/")
	bad := [name | some name in ["", "a/+", "#", "a\u0000", 7]; topics.name(name)]
	bad == []
}

test_filters if {
	good := [filter | some filter in ["#", "+", "a/+/b", "a/#", "/", "+/+"]; topics.filter_levels(filter)]
	count(good) == 6
	bad := [filter | some filter in ["", "a#", "#/a", "a+/b", "a/#/b", "a\u0000", "##", 3]; topics.filter_levels(filter)]
	bad == []
}

test_shared_filters if {
	topics.unshared("a/b") == "a/b"
	topics.unshared("$share/g/a/b") == "a/b"
	topics.unshared("$share/g/$share/h/a") == "$share/h/a"
	bad := [filter | some filter in ["$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a"]; topics.unshared(filter)]
	bad == []
}
