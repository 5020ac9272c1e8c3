# Tests in Rego, for what a decision table cannot say.
package sallyport.gates_test

import data.sallyport
import data.sallyport.authz.device
import data.sallyport.authz.verdict
import data.sallyport.lib.topics
import data.system.log

test_nobody_is_allowed_anything if {
	answers := [sallyport.connect, sallyport.publish, sallyport.subscribe, sallyport.command, sallyport.grants] with input as {}
	allowed := [answer | some answer in answers; answer.allow]
	allowed == []
	count(answers) == 5
}

test_every_kind_has_its_cuts if {
	kinds := sallyport.cuts["*"]
	missing := {"connect", "publish", "subscribe", "command", "grants"} - object.keys(kinds)
	missing == set()
	kinds.connect.lag == [data.site.profile.facts_hard_s + 1]
}

test_tokens_are_masked if "/input/credential/token" in log.mask

# A code that has no place in the order would be told as `facts_invalid`.
test_every_code_has_its_place_in_the_order if {
	codes := device.failing with input as {}
	count(codes) > 5
	missing := [code | some code in codes; not code in data.site.order]
	missing == []
}

test_the_first_code_is_the_reason if {
	verdict.answer({"device_unknown", "facts_stale"}, {}).reason == "device_unknown"
	verdict.answer({"device_unknown", "facts_stale"}, {}).findings == ["facts_stale"]
	verdict.answer({"no_place_in_the_order"}, {}).allow == false
}

test_ids_that_change_the_shape_of_a_topic_own_nothing if {
	bad := ["", "a/b", "a+", "#", "a b"]
	open := [id | some id in bad; topics.own with input as {"tenant": {"id": "acme"}, "device": {"id": id}}]
	open == []
}

test_filters if {
	good := [text | some text in ["#", "a/+/b", "a/#"]; topics.filter(text)]
	count(good) == 3
	bad := [text | some text in ["", "a#", "#/a", "a+/b"]; topics.filter(text)]
	bad == []
}
