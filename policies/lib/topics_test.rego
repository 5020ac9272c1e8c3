package sallyport.lib.topics_test

import data.sallyport.lib.topics

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

# The examples of MQTT 5, 4.7.1.2 and 4.7.1.3, and its empty levels.
test_matches_as_the_standard_says if {
	sport := "sport/tennis/player1"
	every pair in [
		["sport/tennis/player1/#", sport], ["sport/tennis/player1/#", "sport/tennis/player1/ranking"],
		["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"], ["sport/#", "sport"], ["#", sport],
		["sport/tennis/+", sport], ["sport/+", "sport/"], ["+/+", "/finance"], ["/+", "/finance"], ["+", "finance"],
		["a//b", "a//b"], ["a/+/b", "a//b"], ["$SYS/#", "$SYS/x"], ["$SYS/monitor/+", "$SYS/monitor/Clients"],
	] {
		topics.matches(pair[0], pair[1])
	}
	wrong := [pair |
		some pair in [
			["sport/tennis/+", "sport/tennis/player1/ranking"], ["sport/+", "sport"], ["+", "/finance"], ["a", "A"],
			["#", "$SYS/x"], ["+/monitor/Clients", "$SYS/monitor/Clients"], ["a/#", "b"], ["a/b", "a"], ["a", "a/b"],
			["a/#/b", "a/x/b"], ["#", ""], ["+", "+"], ["a", 7], [7, "a"],
		]
		topics.matches(pair[0], pair[1])
	]
	wrong == []
}

test_covers if {
	every pair in [
		["a/#", "a"], ["a/#", "a/+/b"], ["a/#", "a/#"], ["a/+", "a/b"], ["a/+", "a/+"], ["+/#", "#"], ["#", "+/#"],
		["$SYS/#", "$SYS/+"], ["a/+/#", "a/b/#"], ["/+/#", "/#"],
	] {
		topics.covers(pair[0], pair[1])
	}
	wrong := [pair |
		some pair in [
			["a/+", "a/#"], ["a/+/#", "a/#"], ["a/b", "a/+"], ["+", "#"], ["#", "$SYS/#"], ["+/a", "$b/a"], ["a/#", "#"],
			["a", "a/"], ["+/+/#", "#"],
		]
		topics.covers(pair[0], pair[1])
	]
	wrong == []
}

test_shared_filters if {
	topics.unshared("a/b") == "a/b"
	topics.unshared("$share/g/a/b") == "a/b"
	topics.unshared("$share/g/$share/h/a") == "$share/h/a"
	bad := [filter | some filter in ["$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a"]; topics.unshared(filter)]
	bad == []
}
