package sallyport.lib.version_test

import data.sallyport.lib.version

malformed := [null, "3", -1, 1.5, true, [], {}]

test_order if {
	version.at_least(3000001, 3000000)
	version.at_least(0, 0)
	not version.at_least(2999999, 3000000)
	version.after(2, 1)
	not version.after(1, 1)
	not version.after(1, 2)
}

test_what_is_no_version_passes_nothing if {
	old := [bad | some bad in malformed; version.at_least(bad, 0)]
	old == []
	floors := [bad | some bad in malformed; version.at_least(1, bad)]
	floors == []
	last := [bad | some bad in malformed; version.after(1, bad)]
	last == []
	next := [bad | some bad in malformed; version.after(bad, 0)]
	next == []
	cleared := [bad | some bad in malformed; version.clear_of(bad, [])]
	cleared == []
}

test_refused_versions if {
	version.clear_of(3, [])
	version.clear_of(3, [1, 2])
	not version.clear_of(3, [1, 3])
	wrong := [list | some list in [null, "x", {}, 7, true]; version.clear_of(3, list)]
	wrong == []
}

test_keys if {
	version.key("0.0.0") == 0
	version.key("3.1.12") == 3001012
	version.key("10.999.999") == 10999999
	wrong := [text |
		some text in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.1000.0", "1.2.3-rc", " 1.2.3", "-1.2.3", "1.2.x", "1000000.0.0", 3]
		version.key(text)
	]
	wrong == []
}
